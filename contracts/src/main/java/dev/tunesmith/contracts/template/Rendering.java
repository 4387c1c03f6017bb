package dev.tunesmith.contracts.template;

import dev.tunesmith.contracts.jinja.Arguments;
import dev.tunesmith.contracts.jinja.Callable;
import dev.tunesmith.contracts.jinja.Effort;
import dev.tunesmith.contracts.jinja.Expression;
import dev.tunesmith.contracts.jinja.Expression.Passed;
import dev.tunesmith.contracts.jinja.Limits;
import dev.tunesmith.contracts.jinja.Members;
import dev.tunesmith.contracts.jinja.Namespace;
import dev.tunesmith.contracts.jinja.Position;
import dev.tunesmith.contracts.jinja.Sequence;
import dev.tunesmith.contracts.jinja.Statement;
import dev.tunesmith.contracts.jinja.Statement.MacroShape;
import dev.tunesmith.contracts.jinja.Statement.Target;
import dev.tunesmith.contracts.jinja.TemplateException;
import dev.tunesmith.contracts.jinja.Undefined;
import dev.tunesmith.contracts.jinja.Values;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// One run of a template over one conversation.
final class Rendering {
    /// How the statements of a body ended.
    private enum Flow {
        ON,
        BREAK,
        CONTINUE
    }

    private static final int CHARS_OF_A_STEP = 256;
    private static final int STEPS_BETWEEN_LOOKS = 4_000;

    private Output output = new Output();
    private int steps;
    private int nextLook = STEPS_BETWEEN_LOOKS;
    private int depth;
    private int iterations;

    /// Runs statements and gives what they wrote.
    Output run(List<Statement> body, Scope scope) {
        execute(body, scope);
        return output;
    }

    private void step(Position at, int weight) {
        steps += weight;
        if (steps > Limits.STEPS_MAX) {
            throw Limits.reached("more than %d steps".formatted(Limits.STEPS_MAX)).at(at);
        }
        if (steps > nextLook) {
            nextLook = steps + STEPS_BETWEEN_LOOKS;
            Effort.look(steps > Limits.STEPS_FREE);
        }
    }

    private Flow execute(List<Statement> body, Scope scope) {
        for (Statement statement : body) {
            Flow flow = execute(statement, scope);
            if (flow != Flow.ON) {
                return flow;
            }
        }
        return Flow.ON;
    }

    private Flow execute(Statement statement, Scope scope) {
        switch (statement) {
            case Statement.Text(String text) -> output.write(text);
            case Statement.Print(Expression value) -> print(value, scope);
            case Statement.If branches -> {
                return branch(branches, scope);
            }
            case Statement.For loop -> loop(loop, scope);
            case Statement.Set(Target target, Expression value) ->
                    bind(target, marked(value, scope), scope);
            case Statement.SetBlock(Target target, var filters, var body) ->
                    bind(target, filtered(filters, captured(body, scope.inner()), scope), scope);
            case Statement.MacroDefinition(MacroShape shape) ->
                    scope.put(shape.name(), macro(shape, scope));
            case Statement.CallBlock(MacroShape caller, Expression.Call call) ->
                    output.write(call(call, scope, Optional.of(macro(caller, scope))));
            case Statement.FilterBlock(var filters, var body) ->
                    output.write(filtered(filters, captured(body, scope.inner()), scope));
            case Statement.With(var values, var body) -> {
                return with(values, body, scope);
            }
            case Statement.Generation(var body) -> {
                int start = output.length();
                Flow flow = execute(body, scope.inner());
                output.mark(start);
                return flow;
            }
            case Statement.Block(var body) -> execute(body, scope.inner());
            case Statement.Break() -> {
                return Flow.BREAK;
            }
            case Statement.Continue() -> {
                return Flow.CONTINUE;
            }
        }
        return Flow.ON;
    }

    private void print(Expression value, Scope scope) {
        step(value.at(), 1);
        output.write(marked(value, scope));
    }

    private Flow branch(Statement.If branches, Scope scope) {
        for (Statement.Branch branch : branches.branches()) {
            if (Values.truth(value(branch.condition(), scope))) {
                return execute(branch.body(), scope);
            }
        }
        return execute(branches.otherwise(), scope);
    }

    private Flow with(List<Statement.Set> values, List<Statement> body, Scope scope) {
        Scope inner = scope.inner();
        for (Statement.Set set : values) {
            bind(set.target(), marked(set.value(), scope), inner);
        }
        return execute(body, inner);
    }

    private Object captured(List<Statement> body, Scope scope) {
        Output outside = output;
        output = new Output();
        try {
            execute(body, scope);
            return MarkedText.of(output);
        } finally {
            output = outside;
        }
    }

    private Object filtered(List<Expression.Filter> filters, Object start, Scope scope) {
        Object value = start;
        for (Expression.Filter filter : filters) {
            value = filter(filter, value, scope);
        }
        return value;
    }

    private void bind(Target target, Object value, Scope scope) {
        switch (target) {
            case Target.Variable(String name) -> scope.put(name, value);
            case Target.Field(String namespace, String name, Position at) -> {
                if (!(scope.get(namespace) instanceof Namespace found)) {
                    throw TemplateException.runtime("'" + namespace + "' is no namespace").at(at);
                }
                found.put(name, value);
            }
            case Target.Several(List<Target> targets) -> {
                List<Object> items = Values.items(MarkedText.plain(value));
                if (items.size() != targets.size()) {
                    throw TemplateException.runtime(
                            "expected %d values to unpack, found %d"
                                    .formatted(targets.size(), items.size()));
                }
                for (int i = 0; i < items.size(); i++) {
                    bind(targets.get(i), items.get(i), scope);
                }
            }
        }
    }

    private void loop(Statement.For loop, Scope scope) {
        try {
            loop(loop, Values.items(value(loop.items(), scope)), 0, scope);
        } catch (TemplateException failure) {
            throw failure.at(loop.items().at());
        }
    }

    private void loop(Statement.For loop, List<Object> all, int level, Scope scope) {
        List<Object> items = loop.filter().isEmpty() ? all : kept(loop, all, scope);
        Callable again = arguments -> deeper(loop, arguments, level + 1, scope);
        var state =
                new Loop(items, level, loop.recursive() ? Optional.of(again) : Optional.empty());
        boolean reachedAnEnd = false;
        Flow flow = Flow.ON;
        for (int i = 0; i < items.size() && flow != Flow.BREAK; i++) {
            if (++iterations > Limits.ITEMS_MAX) {
                throw Limits.reached("more than %d iterations".formatted(Limits.ITEMS_MAX));
            }
            state.moveTo(i);
            Scope inner = scope.inner();
            inner.put("loop", state);
            bind(loop.target(), items.get(i), inner);
            flow = execute(loop.body(), inner);
            reachedAnEnd |= flow == Flow.ON;
        }
        // As compiled Jinja has it: also where every round was cut short.
        if (!reachedAnEnd) {
            execute(loop.otherwise(), scope);
        }
    }

    private List<Object> kept(Statement.For loop, List<Object> all, Scope scope) {
        List<Object> kept = new ArrayList<>();
        for (Object item : all) {
            Scope inner = scope.inner();
            bind(loop.target(), item, inner);
            if (Values.truth(value(loop.filter().orElseThrow(), inner))) {
                boolean unpacked = loop.target() instanceof Target.Several;
                kept.add(unpacked ? Sequence.of(Sequence.Kind.TUPLE, Values.items(item)) : item);
            }
        }
        return kept;
    }

    private Object deeper(Statement.For loop, Arguments arguments, int level, Scope scope) {
        enter();
        Output outside = output;
        output = new Output();
        try {
            loop(loop, Values.items(arguments.require(0, "iterable")), level, scope);
            return MarkedText.of(output);
        } finally {
            output = outside;
            depth--;
        }
    }

    private void enter() {
        if (++depth > Limits.DEPTH_MAX) {
            throw Limits.reached("calls nest deeper than " + Limits.DEPTH_MAX);
        }
    }

    private Macro macro(MacroShape shape, Scope scope) {
        return new Macro(shape, arguments -> body(shape, arguments, scope));
    }

    private Object body(MacroShape shape, Arguments arguments, Scope definedIn) {
        enter();
        try {
            Scope scope = definedIn.inner();
            bindParameters(shape, arguments, scope);
            return captured(shape.body(), scope);
        } finally {
            depth--;
        }
    }

    private void bindParameters(MacroShape shape, Arguments arguments, Scope scope) {
        List<Object> positional = arguments.positional();
        Map<String, Object> named = new LinkedHashMap<>(arguments.named());
        List<Statement.Parameter> parameters = shape.parameters();
        for (int i = 0; i < parameters.size(); i++) {
            String name = parameters.get(i).name();
            Object given = named.remove(name);
            if (i < positional.size()) {
                refuse(given != null, shape, "got two values for '" + name + "'");
                scope.put(name, positional.get(i));
            } else if (given != null) {
                scope.put(name, given);
            } else {
                Optional<Expression> otherwise = parameters.get(i).otherwise();
                scope.put(
                        name,
                        otherwise.isPresent()
                                ? marked(otherwise.get(), scope)
                                : Undefined.name(name));
            }
        }
        boolean catchesNames = shape.uses().contains("kwargs");
        boolean called = shape.uses().contains("caller");
        Object caller = called || !catchesNames ? named.remove("caller") : null;
        refuse(caller != null && !called, shape, "takes no call block");
        scope.put("caller", caller == null ? Undefined.name("caller") : caller);
        int extra = positional.size() - parameters.size();
        refuse(extra > 0 && !shape.uses().contains("varargs"), shape, "takes fewer arguments");
        refuse(!named.isEmpty() && !catchesNames, shape, "takes no argument " + named.keySet());
        List<Object> rest =
                positional.subList(
                        Math.min(parameters.size(), positional.size()), positional.size());
        scope.put("varargs", Sequence.of(Sequence.Kind.TUPLE, rest));
        scope.put("kwargs", new LinkedHashMap<Object, Object>(named));
    }

    private static void refuse(boolean wrong, MacroShape shape, String message) {
        if (wrong) {
            throw TemplateException.runtime("macro '%s' %s".formatted(shape.name(), message));
        }
    }

    /// The value of an expression, without marks.
    private Object value(Expression expression, Scope scope) {
        return MarkedText.plain(marked(expression, scope));
    }

    private @Nullable Object value(Optional<Expression> expression, Scope scope) {
        return expression.isEmpty() ? null : value(expression.get(), scope);
    }

    private Object marked(Expression expression, Scope scope) {
        step(expression.at(), 1);
        try {
            return evaluate(expression, scope);
        } catch (TemplateException failure) {
            throw failure.at(expression.at());
        }
    }

    private Object evaluate(Expression expression, Scope scope) {
        return switch (expression) {
            case Expression.Literal literal -> literal.value();
            case Expression.Name name -> scope.get(name.name());
            case Expression.ListOf list -> new ArrayList<>(values(list.items(), scope));
            case Expression.TupleOf tuple ->
                    Sequence.of(Sequence.Kind.TUPLE, values(tuple.items(), scope));
            case Expression.DictOf dict -> dict(dict, scope);
            case Expression.Attribute member ->
                    Members.attribute(value(member.of(), scope), member.name());
            case Expression.Item item ->
                    Members.item(value(item.of(), scope), value(item.index(), scope));
            case Expression.Slice slice ->
                    Members.slice(
                            value(slice.of(), scope),
                            value(slice.from(), scope),
                            value(slice.to(), scope),
                            value(slice.step(), scope));
            case Expression.Call call -> call(call, scope, Optional.empty());
            case Expression.Filter filter -> filter(filter, marked(filter.value(), scope), scope);
            case Expression.Test test ->
                    Tests.apply(
                            test.name(),
                            value(test.value(), scope),
                            arguments(test.passed(), scope));
            case Expression.Unary unary -> unary(unary, scope);
            case Expression.Binary binary -> binary(binary, scope);
            case Expression.Concat concat -> concat(concat, scope);
            case Expression.Compare compare -> compare(compare, scope);
            case Expression.Conditional either -> conditional(either, scope);
        };
    }

    private List<Object> values(List<Expression> expressions, Scope scope) {
        List<Object> values = new ArrayList<>();
        for (Expression expression : expressions) {
            values.add(value(expression, scope));
        }
        return values;
    }

    private Object dict(Expression.DictOf dict, Scope scope) {
        var map = new LinkedHashMap<Object, Object>();
        for (Expression.Pair pair : dict.pairs()) {
            Object key = value(pair.key(), scope);
            Values.requireHashable(key);
            map.put(key, value(pair.value(), scope));
        }
        return map;
    }

    private Object unary(Expression.Unary unary, Scope scope) {
        Object value = value(unary.value(), scope);
        return unary.operator().equals("not")
                ? (Object) !Values.truth(value)
                : Operations.sign(unary.operator(), value);
    }

    private Object binary(Expression.Binary binary, Scope scope) {
        Object left = marked(binary.left(), scope);
        return switch (binary.operator()) {
            case "and" ->
                    Values.truth(MarkedText.plain(left)) ? marked(binary.right(), scope) : left;
            case "or" ->
                    Values.truth(MarkedText.plain(left)) ? left : marked(binary.right(), scope);
            default -> {
                Object right = marked(binary.right(), scope);
                boolean texts = text(left) && text(right);
                yield texts && binary.operator().equals("+")
                        ? joined(List.of(left, right))
                        : weighed(
                                binary.at(),
                                Operations.binary(
                                        binary.operator(),
                                        MarkedText.plain(left),
                                        MarkedText.plain(right)));
            }
        };
    }

    private static boolean text(Object value) {
        return value instanceof String || value instanceof MarkedText;
    }

    private Object concat(Expression.Concat concat, Scope scope) {
        List<Object> parts = new ArrayList<>();
        for (Expression part : concat.parts()) {
            parts.add(marked(part, scope));
        }
        return weighed(concat.at(), joined(parts));
    }

    private static Object joined(List<Object> parts) {
        var joined = new Output();
        parts.forEach(joined::write);
        return MarkedText.of(joined);
    }

    private Object compare(Expression.Compare compare, Scope scope) {
        Object left = value(compare.first(), scope);
        for (Expression.Comparison comparison : compare.rest()) {
            Object right = value(comparison.right(), scope);
            if (!Operations.compare(comparison.operator(), left, right)) {
                return false;
            }
            left = right;
        }
        return true;
    }

    private Object conditional(Expression.Conditional either, Scope scope) {
        if (Values.truth(value(either.condition(), scope))) {
            return marked(either.yes(), scope);
        }
        return either.no().isPresent()
                ? marked(either.no().get(), scope)
                : Undefined.name("the missing else of an inline if");
    }

    private Object filter(Expression.Filter filter, Object value, Scope scope) {
        Arguments arguments = arguments(filter.passed(), scope);
        if (value instanceof MarkedText marked && arguments.count() == 0) {
            switch (filter.name()) {
                case "trim" -> {
                    return marked.trimmed();
                }
                case "safe", "string" -> {
                    return marked;
                }
                default -> {}
            }
        }
        try {
            Object result = Filters.apply(filter.name(), MarkedText.plain(value), arguments);
            return weighed(filter.at(), result);
        } catch (TemplateException failure) {
            throw failure.at(filter.at());
        }
    }

    private Object call(Expression.Call call, Scope scope, Optional<Macro> caller) {
        Object function = value(call.function(), scope);
        Arguments arguments = arguments(call.passed(), scope);
        if (caller.isPresent()) {
            var named = new LinkedHashMap<>(arguments.named());
            named.put("caller", caller.get());
            arguments = new Arguments(arguments.positional(), named);
        }
        Values.requireDefined(function);
        if (!(function instanceof Callable callable)) {
            throw TemplateException.runtime(Values.type(function) + " cannot be called")
                    .at(call.at());
        }
        return weighed(call.at(), callable.call(arguments));
    }

    /// Counts large results as several steps, so that the limit holds for what a filter does too.
    private Object weighed(Position at, Object result) {
        int size =
                switch (result) {
                    case String text -> text.length();
                    case List<?> list -> list.size();
                    default -> 0;
                };
        step(at, size / CHARS_OF_A_STEP);
        return result;
    }

    private Arguments arguments(Passed passed, Scope scope) {
        if (passed.equals(Passed.NOTHING)) {
            return Arguments.NONE;
        }
        List<Object> positional = values(passed.positional(), scope);
        var named = new LinkedHashMap<String, Object>();
        for (Expression.Named argument : passed.named()) {
            named.put(argument.name(), value(argument.value(), scope));
        }
        passed.spread().ifPresent(spread -> positional.addAll(Values.items(value(spread, scope))));
        passed.spreadNamed()
                .ifPresent(spread -> {
                    if (value(spread, scope) instanceof Map<?, ?> map) {
                        Effort.items(map.size());
                        map.forEach((key, item) -> addNamed(named, Values.text(key), item));
                    } else {
                        throw TemplateException.runtime("** needs a mapping");
                    }
                });
        return new Arguments(positional, named);
    }

    private static void addNamed(Map<String, Object> named, String name, Object value) {
        if (named.putIfAbsent(name, value) != null) {
            throw TemplateException.runtime("got two values for '%s'".formatted(name));
        }
    }
}
