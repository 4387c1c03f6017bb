package dev.tunesmith.contracts.template;

import dev.tunesmith.contracts.jinja.Arguments;
import dev.tunesmith.contracts.jinja.Limits;
import dev.tunesmith.contracts.jinja.Members;
import dev.tunesmith.contracts.jinja.Nothing;
import dev.tunesmith.contracts.jinja.Numbers;
import dev.tunesmith.contracts.jinja.Sequence;
import dev.tunesmith.contracts.jinja.TemplateException;
import dev.tunesmith.contracts.jinja.Undefined;
import dev.tunesmith.contracts.jinja.Values;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.BiFunction;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;

/// Filters that walk over their value.
final class ListFilters {
    static final Map<String, BiFunction<Object, Arguments, Object>> ALL = table();

    private ListFilters() {}

    private static Map<String, BiFunction<Object, Arguments, Object>> table() {
        var all = new LinkedHashMap<String, BiFunction<Object, Arguments, Object>>();
        all.put("list", (v, _) -> Values.items(v));
        all.put("items", (v, _) -> items(v));
        all.put("join", ListFilters::join);
        all.put("first", (v, _) -> first(v));
        all.put("last", (v, _) -> last(v));
        all.put("reverse", (v, _) -> reverse(v));
        all.put("map", ListFilters::map);
        all.put("select", (v, a) -> Sequence.lazy(picked(v, test(a), true)));
        all.put("reject", (v, a) -> Sequence.lazy(picked(v, test(a), false)));
        all.put("selectattr", (v, a) -> Sequence.lazy(picked(v, memberTest(a), true)));
        all.put("rejectattr", (v, a) -> Sequence.lazy(picked(v, memberTest(a), false)));
        all.put("sort", ListFilters::sort);
        all.put("unique", ListFilters::unique);
        all.put("dictsort", ListFilters::dictSort);
        all.put("groupby", ListFilters::groupBy);
        all.put("sum", ListFilters::sum);
        all.put("min", (v, a) -> extreme(v, a, -1));
        all.put("max", (v, a) -> extreme(v, a, 1));
        all.put("batch", ListFilters::batch);
        all.put("slice", ListFilters::slice);
        return all;
    }

    private static Object items(Object value) {
        return switch (value) {
            case Undefined _ -> Sequence.lazy(List.of());
            case Map<?, ?> map -> Sequence.lazy(Members.items(map));
            default -> throw TemplateException.runtime("items needs a mapping");
        };
    }

    private static Object join(Object value, Arguments arguments) {
        String separator = Values.text(arguments.or(0, "d", ""));
        UnaryOperator<Object> member = member(arguments.or(1, "attribute", Nothing.NONE));
        var out = new StringBuilder();
        String gap = "";
        for (Object item : Values.items(value)) {
            out.append(gap).append(Values.text(member.apply(item)));
            Limits.checkLength(out.length());
            gap = separator;
        }
        return out.toString();
    }

    private static Object first(Object value) {
        List<Object> items = Values.items(value);
        return items.isEmpty() ? Undefined.name("the first item of nothing") : items.getFirst();
    }

    private static Object last(Object value) {
        if (value instanceof Sequence s && s.kind() == Sequence.Kind.GENERATOR) {
            throw TemplateException.runtime("a generator cannot be reversed");
        }
        List<Object> items = Values.items(value);
        return items.isEmpty() ? Undefined.name("the last item of nothing") : items.getLast();
    }

    private static Object reverse(Object value) {
        if (value instanceof String text) {
            List<Object> letters = new ArrayList<>(Values.items(text));
            Collections.reverse(letters);
            return String.join("", letters.stream().map(Values::text).toList());
        }
        List<Object> items = new ArrayList<>(Values.items(value));
        Collections.reverse(items);
        return Sequence.lazy(items);
    }

    /// A function that follows a dotted path; nothing means the value itself.
    private static UnaryOperator<Object> member(Object path) {
        if (path == Nothing.NONE) {
            return UnaryOperator.identity();
        }
        if (Numbers.isWhole(path)) {
            return item -> Members.item(item, path);
        }
        String text = Values.requireText(path, "attribute");
        List<Object> parts = new ArrayList<>();
        for (Object part : List.of(text.split("\\.", -1))) {
            String name = part.toString();
            boolean digits = !name.isEmpty() && name.chars().allMatch(Character::isDigit);
            parts.add(digits && name.length() < 10 ? (Object) Long.valueOf(name) : name);
        }
        return item -> {
            Object value = item;
            for (Object part : parts) {
                value = Members.item(value, part);
            }
            return value;
        };
    }

    private static Object map(Object value, Arguments arguments) {
        UnaryOperator<Object> change;
        Object attribute = arguments.named().get("attribute");
        if (attribute != null && arguments.positional().isEmpty()) {
            UnaryOperator<Object> member = member(attribute);
            Object otherwise = arguments.named().get("default");
            change =
                    item -> {
                        Object found = member.apply(item);
                        return found instanceof Undefined && otherwise != null ? otherwise : found;
                    };
        } else {
            String name = arguments.text(0, "filter");
            Arguments rest = arguments.rest();
            change = item -> Filters.apply(name, item, rest);
        }
        return Sequence.lazy(Values.items(value).stream().map(change).toList());
    }

    private static Predicate<Object> test(Arguments arguments) {
        if (arguments.positional().isEmpty()) {
            return Values::truth;
        }
        String name = arguments.text(0, "test");
        Arguments rest = arguments.rest();
        return item -> Tests.apply(name, item, rest);
    }

    private static Predicate<Object> memberTest(Arguments arguments) {
        UnaryOperator<Object> member = member(arguments.require(0, "attribute"));
        Predicate<Object> test = test(arguments.rest());
        return item -> test.test(member.apply(item));
    }

    private static List<Object> picked(Object value, Predicate<Object> test, boolean wanted) {
        return Values.items(value).stream().filter(item -> test.test(item) == wanted).toList();
    }

    /// Texts in lower case unless case counts; everything else as it is.
    private static UnaryOperator<Object> folded(boolean caseCounts) {
        return item ->
                !caseCounts && item instanceof String text ? text.toLowerCase(Locale.ROOT) : item;
    }

    private static Comparator<Object> by(UnaryOperator<Object> key) {
        return (left, right) -> {
            int order = Values.compare(key.apply(left), key.apply(right));
            return order == 2 ? 0 : order;
        };
    }

    /// As [#by], but equal values need no order: `none` beside `none` is no failure.
    private static Comparator<Object> byEqualFirst(UnaryOperator<Object> key) {
        Comparator<Object> order = by(UnaryOperator.identity());
        return (left, right) -> {
            Object a = key.apply(left);
            Object b = key.apply(right);
            return Values.equal(a, b) ? 0 : order.compare(a, b);
        };
    }

    private static Object sort(Object value, Arguments arguments) {
        boolean reverse = arguments.truth(0, "reverse", false);
        UnaryOperator<Object> fold = folded(arguments.truth(1, "case_sensitive", false));
        Comparator<Object> order = keys(arguments.or(2, "attribute", Nothing.NONE), fold);
        List<Object> items = new ArrayList<>(Values.items(value));
        items.sort(reverse ? order.reversed() : order);
        return items;
    }

    /// Order by one or several members: `sort(attribute='city,age')`.
    private static Comparator<Object> keys(Object attribute, UnaryOperator<Object> fold) {
        if (!(attribute instanceof String text)) {
            UnaryOperator<Object> member = member(attribute);
            return byEqualFirst(item -> fold.apply(member.apply(item)));
        }
        Comparator<Object> order = (_, _) -> 0;
        for (String part : List.of(text.split(",", -1))) {
            UnaryOperator<Object> member = member(part.strip());
            order = order.thenComparing(byEqualFirst(item -> fold.apply(member.apply(item))));
        }
        return order;
    }

    private static Object unique(Object value, Arguments arguments) {
        UnaryOperator<Object> fold = folded(arguments.truth(0, "case_sensitive", false));
        UnaryOperator<Object> member = member(arguments.or(1, "attribute", Nothing.NONE));
        Map<Object, Object> seen = new LinkedHashMap<>();
        List<Object> kept = new ArrayList<>();
        for (Object item : Values.items(value)) {
            Object key = fold.apply(member.apply(item));
            Values.requireHashable(key);
            // A tuple equals another whose numbers are of another kind, which no hash tells.
            boolean isNew =
                    key instanceof String
                            ? !seen.containsKey(key)
                            : seen.keySet().stream().noneMatch(other -> Values.equal(other, key));
            if (isNew) {
                seen.put(key, item);
                kept.add(item);
            }
        }
        return Sequence.lazy(kept);
    }

    private static Object dictSort(Object value, Arguments arguments) {
        if (!(value instanceof Map<?, ?> map)) {
            Values.requireDefined(value);
            throw TemplateException.runtime("dictsort needs a mapping");
        }
        int part =
                switch (arguments.text(1, "by", "key")) {
                    case "key" -> 0;
                    case "value" -> 1;
                    default -> throw TemplateException.runtime("dictsort by key or value");
                };
        UnaryOperator<Object> fold = folded(arguments.truth(0, "case_sensitive", false));
        Comparator<Object> order =
                by(pair -> fold.apply(pair instanceof Sequence two ? two.get(part) : pair));
        List<Object> pairs = new ArrayList<>(Members.items(map));
        pairs.sort(arguments.truth(2, "reverse", false) ? order.reversed() : order);
        return pairs;
    }

    private static Object groupBy(Object value, Arguments arguments) {
        UnaryOperator<Object> member = member(arguments.require(0, "attribute"));
        Object otherwise = arguments.or(1, "default", Nothing.NONE);
        UnaryOperator<Object> fold = folded(arguments.truth(2, "case_sensitive", false));
        UnaryOperator<Object> key =
                item -> {
                    Object found = member.apply(item);
                    return found instanceof Undefined && otherwise != Nothing.NONE
                            ? otherwise
                            : found;
                };
        List<Object> items = new ArrayList<>(Values.items(value));
        items.sort(by(item -> fold.apply(key.apply(item))));
        List<Object> groups = new ArrayList<>();
        List<Object> group = new ArrayList<>();
        for (int i = 0; i < items.size(); i++) {
            group.add(items.get(i));
            boolean ends =
                    i + 1 == items.size()
                            || !Values.equal(
                                    fold.apply(key.apply(items.get(i))),
                                    fold.apply(key.apply(items.get(i + 1))));
            if (ends) {
                groups.add(Sequence.tuple(key.apply(group.getFirst()), List.copyOf(group)));
                group.clear();
            }
        }
        return groups;
    }

    private static Object sum(Object value, Arguments arguments) {
        UnaryOperator<Object> member = member(arguments.or(0, "attribute", Nothing.NONE));
        Object total = arguments.or(1, "start", 0L);
        for (Object item : Values.items(value)) {
            total = Operations.binary("+", total, member.apply(item));
        }
        return total;
    }

    private static Object extreme(Object value, Arguments arguments, int sign) {
        UnaryOperator<Object> fold = folded(arguments.truth(0, "case_sensitive", false));
        UnaryOperator<Object> member = member(arguments.or(1, "attribute", Nothing.NONE));
        Object best = Undefined.name("the extreme of nothing");
        for (Object item : Values.items(value)) {
            if (best instanceof Undefined
                    || Values.compare(
                                            fold.apply(member.apply(item)),
                                            fold.apply(member.apply(best)))
                                    * sign
                            == 1) {
                best = item;
            }
        }
        return best;
    }

    private static Object batch(Object value, Arguments arguments) {
        int size = Math.max(1, Numbers.requireInt(arguments.require(0, "linecount")));
        Object fill = arguments.or(1, "fill_with", Nothing.NONE);
        Limits.checkItems(size);
        List<Object> items = Values.items(value);
        List<Object> batches = new ArrayList<>();
        for (int start = 0; start < items.size(); start += size) {
            List<Object> part =
                    new ArrayList<>(items.subList(start, Math.min(items.size(), start + size)));
            while (fill != Nothing.NONE && part.size() < size) {
                part.add(fill);
            }
            batches.add(part);
        }
        return Sequence.lazy(batches);
    }

    private static Object slice(Object value, Arguments arguments) {
        int slices = Math.max(1, Numbers.requireInt(arguments.require(0, "slices")));
        Object fill = arguments.or(1, "fill_with", Nothing.NONE);
        Limits.checkItems(slices);
        List<Object> items = Values.items(value);
        int each = items.size() / slices;
        int extra = items.size() % slices;
        List<Object> parts = new ArrayList<>();
        int at = 0;
        for (int i = 0; i < slices; i++) {
            int end = at + each + (i < extra ? 1 : 0);
            List<Object> part = new ArrayList<>(items.subList(at, end));
            if (fill != Nothing.NONE && i >= extra) {
                part.add(fill);
            }
            parts.add(part);
            at = end;
        }
        return Sequence.lazy(parts);
    }
}
