package dev.tunesmith.contracts.template;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.contracts.jinja.TemplateException;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Templates of strangers: whatever they say, a run ends soon and with an error that has a name.
final class HostileTemplatesTest {
    private static final LocalDateTime NOW = LocalDateTime.of(2026, 1, 2, 3, 4, 5);
    private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

    /// Code that runs for the first time is several times as slow as later; the bound of 100 ms is
    /// that of a service that runs.
    private static final long COLD_MS_MAX = 4000;

    /// The clock ends a run at 80 ms; a machine with neighbours may stand still for a while.
    private static final long WARM_NS_MAX = 250_000_000;

    private static final int RUNS_MAX = 40;

    private static final String LIST = "{% set x=range(100000)|list %}";
    private static final String TEXT = "{% set x='a'*4000000 %}";
    private static final String LOOP = "{% for i in range(90000) %}";
    private static final String END = "{% endfor %}";
    private static final String TREES =
            "{% set a=namespace(x=[],t=()) %}{% set b=namespace(x=[]) %}"
                    + "{% for i in range(99) %}{% set a.x=[a.x,a.x] %}{% set b.x=[b.x,b.x] %}"
                    + "{% set a.t=(a.t,a.t) %}{% endfor %}";
    private static final String CHAINS =
            "{% set a=namespace(x=[],t=()) %}"
                    + "{% for i in range(40000) %}{% set a.x=[a.x] %}{% set a.t=(a.t,) %}{% endfor %}";

    /// Kills: each `Effort` call, one by one; without it the template that names the operation runs
    /// for minutes.
    static Stream<String> work() {
        return Stream.of(onLists(), onTexts(), onOthers()).flatMap(s -> s);
    }

    private static Stream<String> onLists() {
        return Stream.of(
                        "-1 in x",
                        "x == range(100000)|list",
                        "x|last",
                        "x[::2]",
                        "x|sort",
                        "x|sum",
                        "x|max",
                        "x|first",
                        "x|reverse|list",
                        "x.index(99999)",
                        "x.count(1)",
                        "x.copy()",
                        "dict.fromkeys(x)",
                        "x|map('string')|join",
                        "x|batch(2)|list",
                        "x|slice(2)|list",
                        "x|tojson",
                        "x|string")
                .map(work -> LIST + LOOP + "{% set y=" + work + " %}" + END);
    }

    private static Stream<String> onTexts() {
        return Stream.of(
                        "x.count('a')",
                        "x|length",
                        "x[5]",
                        "x[5:]",
                        "x is lower",
                        "x < x~'b'",
                        "x == x~''",
                        "('a'*20000~'b') in x",
                        "x.find('a'*20000~'b')",
                        "x.rfind('b'~'a'*20000)",
                        "x.replace('a'*20000~'b', '')",
                        "x.strip('a')",
                        "x.strip('b'*1000)",
                        "x.title()",
                        "x.swapcase()",
                        "x|upper",
                        "x.startswith(x)",
                        "{x: 1}[x]",
                        "x.split()",
                        "x.isalpha()",
                        "x|wordwrap(3)",
                        "x|indent(8)",
                        "x|wordcount",
                        "x|striptags",
                        "x|forceescape",
                        "x|truncate(9)",
                        "'{}'.format(x)",
                        "'%s'|format(x)",
                        "[x, x]|join('b')",
                        "x.expandtabs()",
                        "x.center(4100000)",
                        "x.zfill(4100000)",
                        "x.partition('b')",
                        "x.splitlines()",
                        "x|int",
                        "x|tojson",
                        "x|string",
                        "x|list")
                .map(work -> TEXT + LOOP + "{% set y=" + work + " %}" + END);
    }

    private static Stream<String> onOthers() {
        return Stream.of(
                "{{ range(100000)|unique|list }}",
                TREES + "{{ a.x == b.x }}",
                TREES + "{{ a.x < b.x }}",
                TREES + "{{ {a.t: 1} }}",
                TREES + "{{ a.x }}",
                TREES + "{{ a.x|tojson }}",
                TREES + "{{ dict.fromkeys([a.t]) }}",
                LOOP + "{% set y=(2**65000) // 3 %}" + END,
                LOOP + "{% set y=(2**65000)|string %}" + END,
                LOOP + "{{ i|round(2147483647) }}" + END,
                "{% set f='%c'*2000000 %}{{ strftime_now(f) }}",
                "{{ '{}'*1000000 }}{{ ('{0}'*1000000).format(1) }}",
                "{% set d=dict.fromkeys(range(100000)) %}" + LOOP + "{% set y=d[0.5] %}" + END);
    }

    @ParameterizedTest
    @MethodSource("work")
    void muchWorkInFewStepsEnds(String source) {
        assertThat(failure(source)).contains(TemplateException.Kind.LIMIT);
    }

    @Test
    void aChainOfOperatorsMayBeLongButNotEndless() {
        for (String link : List.of("+1", " and 1", " or 1", "*1", "**1", "|abs", " if 1")) {
            assertThat(failure("{{ 1" + link.repeat(900) + " }}{{ 1" + link.repeat(900) + " }}"))
                    .as(link)
                    .isEmpty();
            assertThat(failure("{{ 1" + link.repeat(1100) + " }}"))
                    .as(link)
                    .contains(TemplateException.Kind.LIMIT);
        }
    }

    /// Kills: the catch of a stack that ran out, and the limit of tokens.
    @Test
    void deepNestingOfAnyKindEnds() {
        for (String source :
                List.of(
                        CHAINS + "{{ a.x == [a.x] }}",
                        CHAINS + "{{ {a.t: 1} }}",
                        CHAINS + "{{ a.x|tojson }}",
                        CHAINS + "{{ a.x }}",
                        "{{ " + "1+".repeat(9000) + "1 }}",
                        "{{ a" + ".b".repeat(9000) + " }}",
                        "{{ f" + "()".repeat(6000) + " }}",
                        "{{ 1" + " and 1".repeat(9000) + " }}",
                        "{{ " + "not ".repeat(15000) + "1 }}",
                        "{{ " + "2**".repeat(9000) + "1 }}",
                        "{{ " + "[".repeat(9000) + "]".repeat(9000) + " }}",
                        "{{ 1" + "+1".repeat(20000) + " }}",
                        "\n".repeat(30000) + "{{1}}".repeat(6000))) {
            failure(source); // ends in time, with or without an error of a template
        }
    }

    /// Kills: the turning of what the JDK refuses into an error of the template.
    @Test
    void oddArgumentsAreErrorsOfTheTemplate() {
        for (String source :
                List.of(
                        "{{ 'a'.center(2000000, 'abcdef') }}",
                        "{{ '%c' % -1 }}",
                        "{{ '%c' % 99999999 }}",
                        "{{ 'a'.ljust(5, '') }}",
                        "{{ '{:>>>9}'.format(1) }}",
                        "{{ '%*.*f' % (1, 2, 3) }}",
                        "{{ ''.format_map(1) }}",
                        "{{ 'x'|truncate(-1) }}",
                        "{% for in messages %}{% endfor %}",
                        "{% set = 1 %}",
                        "{% for () in messages %}{% endfor %}",
                        "{{ [1]|batch(-5)|list }}{{ undefined_thing.x }}",
                        "{{ {}[[]] }}")) {
            assertThat(failure(source)).as(source).isPresent();
        }
    }

    private static final List<String> SEEDS =
            List.of(
                    ChatTemplate.CHATML.source(),
                    "{% macro m(a, b=1) %}{{ a ~ b }}{{ caller() if caller }}{% endmacro %}{{ m('x') }}",
                    "{% for m in messages if m.role != 'x' %}{{ loop.index }}{{ m | tojson(indent=2) }}"
                            + "{% else %}none{% endfor %}{% set ns = namespace(a=[1, 2.5, none]) %}{{ ns.a[::-1] }}",
                    "{{ '%-5s|%03d' % ('a', 7) }}{{ '{0:>5}{1!r}'.format(1, 'b') }}{{ range(3) | map('string') | join(',') }}",
                    "{% generation %}{{ messages[0]['content'].split('</think>')[-1].lstrip('\\n') }}{% endgeneration %}",
                    "{# c #}{%- raw -%}{{ x }}{%- endraw -%}{% call(u) m(1) %}{{ u }}{% endcall %}{% filter upper %}a{% endfilter %}");
    private static final List<String> SIGNS =
            List.of(
                    "{{",
                    "}}",
                    "{%",
                    "%}",
                    "{#",
                    "#}",
                    "-",
                    "(",
                    ")",
                    "[",
                    "]",
                    "'",
                    "\"",
                    "\\",
                    "|",
                    ".",
                    ",",
                    "~",
                    "**",
                    "99999999999",
                    "1e999",
                    "0x",
                    "\u0000",
                    "\uD800",
                    "\uFEFF",
                    "\r\n",
                    " in ",
                    " is ",
                    " if ",
                    " else ",
                    " not ",
                    "recursive",
                    "loop",
                    "self",
                    "__class__",
                    "range(99999)",
                    "*1000000",
                    "'a'",
                    "[:]",
                    "=");

    @Test
    void noMutationIsAnythingButRenderedOrRefused() {
        mutate(2_000, 7);
    }

    @Test
    @Tag("soak")
    void noMutationIsAnythingButRenderedOrRefusedForLong() {
        mutate(1_000_000, System.nanoTime());
    }

    /// Steps of every kind, and sources that are long rather than busy.
    static Stream<String> steps() {
        Stream<String> loops =
                Stream.of(
                                "{{ i * i + i }}{{ i / 7 }}",
                                "{{ m(i) }}",
                                "{{ n(9) }}",
                                "{% generation %}{{ i }}{% endgeneration %}",
                                "{% set a %}{{ i }}{% endset %}",
                                "{% filter upper %}{{ i }}{% endfilter %}",
                                "{{ loop.cycle(1, 2) }}{{ loop.changed(i) }}{{ loop.index }}",
                                "{% call m(1) %}{{ i }}{% endcall %}",
                                "{% with a = i, b = i %}{{ a + b }}{% endwith %}",
                                "{% set s.x = s.x ~ 'abcdefgh' %}",
                                "{% set s.l = s.l + [i] %}",
                                "{% set s.d = dict(s.d, **{'a' ~ i: 1}) %}",
                                "{{ [i, i] | join }}{{ {'a': i} | tojson }}",
                                "{{ '%s %d %5.2f' | format(i, i, i) }}{{ '{:>9}'.format(i) }}",
                                "{{ strftime_now('%Y %B %d %H') }}",
                                "{{ (2**1000) * (3**500) }}{{ 3**(i % 900) }}",
                                "{{ namespace(a=1, b=2).a }}{{ i is odd and i is divisibleby 3 }}")
                        .map(body ->
                                "{% macro m(a, b=1) %}{{ a ~ b }}{{ caller() if caller }}{% endmacro %}"
                                        + "{% macro n(a) %}{% if a %}{{ n(a - 1) }}{% endif %}{% endmacro %}"
                                        + "{% set s = namespace(x='', l=[], d={}) %}"
                                        + LOOP
                                        + body
                                        + END);
        Stream<String> sources =
                Stream.of(
                        "{{ 1 }}".repeat(9000),
                        "{{ a.b.c['d'][0] }}".repeat(2600),
                        "{% if a %}{% endif %}".repeat(2700),
                        "a{# c #}".repeat(8000),
                        "\n     {%- set a = 1 -%}\n     ".repeat(2500),
                        " \n".repeat(32000) + "{%- if 1 -%}{% endif %}",
                        "{".repeat(65000),
                        "{% ".repeat(20000),
                        "{#".repeat(30000),
                        "{{ '".repeat(15000),
                        "{{ '" + "\\n".repeat(30000) + "' }}",
                        "{% raw %}" + "{{".repeat(30000) + "{% endraw %}");
        return Stream.concat(loops, sources);
    }

    /// The bound of a service that runs, by the thread's own processor time: what else the machine
    /// does, and code that is compiled for the first time, do not count.
    @Test
    void noTemplateTakesTheThreadForLong() {
        Map<String, Long> slow = new TreeMap<>();
        for (String source : Stream.concat(work(), steps()).toList()) {
            long best = Long.MAX_VALUE;
            for (int run = 0; run < RUNS_MAX && best > WARM_NS_MAX; run++) {
                long begin = THREADS.getCurrentThreadCpuTime();
                failure(source);
                best = Math.min(best, THREADS.getCurrentThreadCpuTime() - begin);
            }
            if (best > WARM_NS_MAX) {
                slow.put(shown(source), best / 1_000_000);
            }
        }
        assertThat(slow).isEmpty();
    }

    /// Kills: leaving out the look at the time among many items, and among many steps.
    @Test
    void whatTakesLongEndsByTheClock() {
        String items = LIST + LOOP + "{% set y=x|sum %}" + END;
        String many = LOOP + "{% set y=i+i %}{% set z=i+i %}" + END;
        String few = "{% for i in range(9000) %}{{ i }}{% endfor %}";
        assertThat(timed(items, 90_000_000))
                .hasValueSatisfying(text -> assertThat(text).contains("more time"));
        assertThat(timed(many, 10_000_000))
                .hasValueSatisfying(text -> assertThat(text).contains("more time"));
        assertThat(timed(items, 0))
                .hasValueSatisfying(text -> assertThat(text).contains("more work"));
        assertThat(timed(few, 90_000_000)).as("code that runs for the first time").isEmpty();
        assertThat(timed(few, 1_100_000_000))
                .hasValueSatisfying(text -> assertThat(text).contains("more time"));
    }

    /// What a run says for which each look at the clock takes that long.
    private static Optional<String> timed(String source, long nanos) {
        ChatTemplate template = ChatTemplate.compile(source);
        long[] now = {0};
        try {
            template.renderOver(variables(), NOW, () -> now[0] += nanos);
            return Optional.empty();
        } catch (TemplateException e) {
            assertThat(e.kind()).isEqualTo(TemplateException.Kind.LIMIT);
            return Optional.of(String.valueOf(e.getMessage()));
        }
    }

    private static void mutate(int count, long seed) {
        Random random = new Random(seed);
        for (int i = 0; i < count; i++) {
            StringBuilder source = new StringBuilder(SEEDS.get(random.nextInt(SEEDS.size())));
            for (int change = random.nextInt(1, 6); change > 0; change--) {
                int at = random.nextInt(source.length() + 1);
                int end = Math.min(source.length(), at + random.nextInt(12));
                switch (random.nextInt(4)) {
                    case 0 -> source.delete(at, end);
                    case 1 -> source.insert(at, SIGNS.get(random.nextInt(SIGNS.size())));
                    case 2 -> source.insert(at, source.substring(at, end).repeat(3));
                    default -> source.replace(at, end, SIGNS.get(random.nextInt(SIGNS.size())));
                }
            }
            failure(source.toString());
        }
    }

    /// The kind of error, or nothing if the template renders. Anything but these two, and anything
    /// that takes long, fails the test.
    private static Optional<TemplateException.Kind> failure(String source) {
        long begin = THREADS.getCurrentThreadCpuTime();
        Optional<TemplateException.Kind> kind = Optional.empty();
        try {
            ChatTemplate.compile(source).renderOver(variables(), NOW);
        } catch (TemplateException e) {
            kind = Optional.of(e.kind());
        } catch (RuntimeException | StackOverflowError e) {
            throw new AssertionError("the template " + shown(source), e);
        }
        long ms = (THREADS.getCurrentThreadCpuTime() - begin) / 1_000_000;
        assertThat(ms).as(shown(source)).isLessThan(COLD_MS_MAX);
        return kind;
    }

    private static String shown(String source) {
        return source.length() <= 300
                ? source
                : source.substring(0, 150) + " … " + source.substring(source.length() - 150);
    }

    private static Map<String, Object> variables() {
        List<Map<String, Object>> messages = new ArrayList<>();
        IntStream.range(0, 3)
                .forEach(i ->
                        messages.add(
                                Map.of(
                                        "role",
                                        i % 2 == 0 ? "user" : "assistant",
                                        "content",
                                        "<think>a</think>\n\uD800 b" + i)));
        return Map.of("messages", messages, "add_generation_prompt", true);
    }
}
