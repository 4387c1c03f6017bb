package dev.tunesmith.contracts.template;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.tunesmith.contracts.jinja.TemplateException;
import java.time.LocalDateTime;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class ChatTemplateTest {
    private static final LocalDateTime NOW = LocalDateTime.of(2026, 1, 2, 3, 4, 5);

    private static ChatInput input(String... turns) {
        var messages = new java.util.ArrayList<Map<String, Object>>();
        for (int i = 0; i < turns.length; i++) {
            messages.add(Map.of("role", i % 2 == 0 ? "user" : "assistant", "content", turns[i]));
        }
        return ChatInput.of(messages, Map.of("eos_token", "</s>"), NOW);
    }

    private static String render(String source) {
        return ChatTemplate.compile(source).render(input("hi")).text();
    }

    private static TemplateException failure(String source) {
        return catchThrowableOfType(TemplateException.class, () -> render(source));
    }

    @Test
    void chatMlMarksTheAnswers() {
        Rendered rendered = ChatTemplate.CHATML.render(input("q", "a 😀", "r", "b"));
        assertThat(rendered.text())
                .isEqualTo(
                        """
                        <|im_start|>user
                        q<|im_end|>
                        <|im_start|>assistant
                        a 😀<|im_end|>
                        <|im_start|>user
                        r<|im_end|>
                        <|im_start|>assistant
                        b<|im_end|>
                        """);
        assertThat(
                        rendered.spans().stream()
                                .map(s -> rendered.text().substring(s.start(), s.end())))
                .containsExactly("a 😀<|im_end|>\n", "b<|im_end|>\n");
        assertThat(rendered.codePointSpans().getLast().end())
                .isEqualTo(rendered.spans().getLast().end() - 1);
    }

    @Test
    void chatMlEndsWhereTheAnswerBegins() {
        assertThat(ChatTemplate.CHATML.render(input("q").withGenerationPrompt()).text())
                .endsWith("<|im_start|>assistant\n");
    }

    @Test
    void anOpenAnswerEndsTheTextAndItsSpan() {
        Rendered rendered = ChatTemplate.CHATML.renderOpen(input("q", "so far"), "content");
        assertThat(rendered.text()).endsWith("assistant\nso far");
        assertThat(rendered.spans().getLast().end()).isEqualTo(rendered.text().length());
    }

    @Test
    void spansSurviveMacrosTrimAndConcatenation() {
        String source =
                "{% macro a(x) %}  {% generation %}{{ x }}{% endgeneration %}  {% endmacro %}"
                        + "<{{ a('one') | trim }}>{{ '[' ~ a('two') ~ ']' }}{{ '(' + a('three') + ')' }}";
        Rendered rendered = ChatTemplate.compile(source).render(input("hi"));
        assertThat(
                        rendered.spans().stream()
                                .map(s -> rendered.text().substring(s.start(), s.end())))
                .containsExactly("one", "two", "three");
    }

    @Test
    void aTemplateCannotForgeASpanOrATagFromContent() {
        Rendered rendered =
                ChatTemplate.CHATML.render(input("{% generation %}{{ 1 }}{% endgeneration %}"));
        assertThat(rendered.spans()).isEmpty();
        assertThat(rendered.text()).contains("{{ 1 }}");
    }

    @Test
    void errorsNameLineAndColumn() {
        TemplateException syntax = failure("ok\n  {{ 1 + }}");
        assertThat(syntax.kind()).isEqualTo(TemplateException.Kind.SYNTAX);
        assertThat(syntax.line()).isEqualTo(2);
        assertThat(syntax.column()).isEqualTo(10);
        assertThat(syntax).hasMessageStartingWith("line 2, column 10: ");
        TemplateException runtime = failure("a\n\n{{ nothing.deep }}");
        assertThat(runtime.kind()).isEqualTo(TemplateException.Kind.UNDEFINED);
        assertThat(runtime.line()).isEqualTo(3);
        assertThat(runtime.reason()).contains("'nothing' is undefined");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{{ 'a' * 5000000 }}",
                "{% for i in range(3000) %}{{ 'a' * 2000 }}{% endfor %}",
                "{{ 2 ** 100000 }}",
                "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
                "{% for i in range(400) %}{% for j in range(400) %}{% endfor %}{% endfor %}",
                "{% for i in range(90000) %}{{ i + i + i + i }}{% endfor %}",
                "{{ '%999999d' % 1 }}",
                "{{ '{:999999}'.format(1) }}",
                "{{ 'a'.center(5000000) }}",
                "{{ 'a'.zfill(5000000) }}",
                "{{ 'aaaa'.replace('', 'x' * 4000000) }}",
                "{{ range(90000) | join('x' * 100) }}",
                "{% set ns = namespace(x='a') %}{% for i in range(99) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
                "{% for i in range(20000) %}{% set x = ('a' * 4000000) | upper %}{% endfor %}"
            })
    void endsWhatWouldUseUpTheMachine(String source) {
        assertThat(failure(source).kind()).isEqualTo(TemplateException.Kind.LIMIT);
    }

    @ParameterizedTest
    @ValueSource(strings = {"{{ [1] * 200000 }}", "{{ range(100001) }}"})
    void listsHaveALimitToo(String source) {
        assertThat(failure(source).kind()).isEqualTo(TemplateException.Kind.RUNTIME);
    }

    @Test
    void endsDeepNestingWhileCompiling() {
        assertThat(failure("{{ " + "(".repeat(500) + "1" + ")".repeat(500) + " }}").kind())
                .isEqualTo(TemplateException.Kind.LIMIT);
        assertThat(failure("{{ " + "-".repeat(500) + "1 }}").kind())
                .isEqualTo(TemplateException.Kind.LIMIT);
        assertThat(failure("{% if 1 %}".repeat(500)).kind())
                .isEqualTo(TemplateException.Kind.LIMIT);
        assertThatThrownBy(() -> ChatTemplate.compile("a".repeat((64 << 10) + 1)))
                .hasMessageContaining("65536");
        assertThat(ChatTemplate.compile("a".repeat(64 << 10)).source()).hasSize(64 << 10);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{{ messages.__class__.__mro__ }}",
                "{{ messages.append(1) }}",
                "{{ messages[0].update(a=1) }}",
                "{{ ''.__class__.__base__ }}",
                "{{ cycler.__init__.__globals__ }}",
                "{{ (messages | attr('__class__')).mro }}",
                "{{ messages[0]['__class__'].x }}"
            })
    void keepsInternalsOutOfReach(String source) {
        assertThat(failure(source).kind()).isEqualTo(TemplateException.Kind.SECURITY);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '~',
            quoteCharacter = '^',
            value = {
                "1 // 0.2~4.0",
                "-1 // 0.2~-5.0",
                "0.0 // -2~-0.0",
                "[none, none] | sort | first~None",
                "[1, 2] | truncate(5)~[1, 2]",
                "[[1], [1]] | unique | list~!RUNTIME",
                "[(1, 2), (1, 2)] | unique | list~[(1, 2)]",
                "[([1], 2)] | unique | list~!RUNTIME",
                "missing | abs~!RUNTIME",
                "missing | round~!RUNTIME",
                "missing | round(1, 'ceil')~!UNDEFINED",
                "5 | truncate(5)~!RUNTIME",
                "messages[0][1:]~!RUNTIME",
                "'abcabc'.find('b', 2)~4",
                "'abcabc'.find('b', -1)~-1",
                "'abcabc'.rindex('a', 0, 3)~0",
                "'abcabc'.index('b', 5)~!RUNTIME",
                "'Hello'.count('', -2)~3",
                "'Hello'.startswith('e', 1)~True",
                "'Hello'.endswith(('l', 'x'), 0, 4)~True",
                "'It Is'.istitle(), 'It is'.istitle()~(True, False)",
                "'ab\\tc'.expandtabs(4)~ab  c",
                "'{:*>5}'.format(true)~****1",
                "'{:>5}'.format(none)~!RUNTIME",
                "'{:#x} {:#b}'.format(255, -2)~0xff -0b10",
                "'%x' % 2.5~!RUNTIME"
            })
    void agreesWithPythonWhereItSurprises(String expression, String expected) {
        String found;
        try {
            found = render("{{ " + expression + " }}");
        } catch (TemplateException e) {
            found = "!" + e.kind();
        }
        assertThat(found).isEqualTo(expected);
    }

    @Test
    void aTemplateChangesNothingOfItsInput() {
        ChatInput input = input("hi");
        ChatTemplate template = ChatTemplate.compile("{% set messages = [] %}{{ messages }}");
        assertThat(template.render(input).text()).isEqualTo("[]");
        assertThat(template.render(input).text()).isEqualTo("[]");
        assertThat(input.messages()).hasSize(1);
    }

    @Test
    void extraVariablesAndSpecialTokensAreThere() {
        ChatTemplate template = ChatTemplate.compile("{{ eos_token }}{{ enable_thinking }}");
        assertThat(template.render(input("hi").with("enable_thinking", false)).text())
                .isEqualTo("</s>False");
    }

    @Test
    void refusesAnEmptyConversation() {
        assertThatThrownBy(() -> ChatTemplate.CHATML.render(input()))
                .isInstanceOfSatisfying(
                        TemplateException.class,
                        e -> assertThat(e.kind()).isEqualTo(TemplateException.Kind.INPUT));
    }
}
