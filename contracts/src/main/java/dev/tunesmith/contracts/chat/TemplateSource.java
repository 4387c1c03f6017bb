package dev.tunesmith.contracts.chat;

import dev.tunesmith.contracts.chat.NamedTemplate.Kind;
import dev.tunesmith.contracts.tool.Json;
import java.util.ArrayList;
import java.util.List;

/// A named template in the language of Hugging Face's templates, so that what was trained with it
/// is served with it, here and elsewhere.
///
/// Conversations without functions come out as [Writer] writes them. Functions, calls and results
/// must stand in the texts already, where [FunctionTexts] puts them; a call that does not is
/// refused rather than written as an empty answer.
///
/// Templates of models that think read `enable_thinking`: true, as when it is missing, lets every
/// answer think; false takes thoughts out and ends questions with an empty one; none keeps the
/// thoughts that are there. A thought may stand in the text of an answer, between the words of the
/// template, or beside it, as `reasoning_content`.
public final class TemplateSource {

    private final NamedTemplate template;

    private TemplateSource(NamedTemplate template) {
        this.template = template;
    }

    /// The source of a template; what the model writes is marked.
    public static String of(NamedTemplate template) {
        return new TemplateSource(template).source();
    }

    private String source() {
        NamedTemplate.Slots slots = template.slots();
        boolean inFirst = template.kind() == Kind.SYSTEM_IN_FIRST_QUESTION;
        String system =
                inFirst ? "" : "{% if system %}" + text(slots.system(), "system") + "{% endif %}";
        String question =
                inFirst
                        ? "{% set content = (("
                                + expression(slots.system(), "system")
                                + ") if loop.first and system else '') + message.content %}"
                        : "{% set content = message.content %}";
        return "{# "
                + template.name()
                + " #}"
                + (template.thinks()
                        ? "{% set quiet = enable_thinking is defined and not enable_thinking %}"
                        : "")
                + "{% if messages[0].role == 'system' %}"
                + "{% set system = messages[0].content %}{% set turns = messages[1:] %}"
                + "{% else %}{% set system = "
                + Json.line(template.defaultSystem())
                + " %}{% set turns = messages %}{% endif %}"
                + text(slots.prefix(), "''")
                + system
                + "{% for message in turns %}{% if message.role == 'assistant' %}"
                + answer()
                + "{% elif message.role == 'tool' %}"
                + text(slots.result(), "message.content")
                + "{% else %}"
                + question
                + text(slots.user(), "content")
                + "{% endif %}{% endfor %}"
                + (template.thinks()
                        ? "{% if add_generation_prompt and quiet %}" + noThought() + "{% endif %}"
                        : "");
    }

    /// The empty thought.
    private String noThought() {
        Writer writer = new Writer(template, Thinking.ON, java.time.LocalDate.EPOCH);
        return shown(List.of(Json.line(words(writer.emptyThought()))));
    }

    /// What an answer says, without its thoughts where it is not to think, and whether it has any.
    private String answerWords() {
        if (!template.thinks()) {
            return "";
        }
        String open = Json.line(template.marks().thoughtOpen());
        String close = Json.line(template.marks().thoughtClose());
        return "{% set said = namespace(text=message.content or '') %}"
                + thoughtOfItsOwn(open, close)
                + "{% if quiet and enable_thinking is not none %}"
                + "{% set parts = said.text.split("
                + close
                + ") %}{% set said.text = '' %}"
                + "{% for part in parts %}{% set said.text = said.text + (part if loop.last"
                + " else part.split("
                + open
                + ")[0] if "
                + open
                + " in part"
                + " else part + "
                + close
                + ") %}{% endfor %}"
                + "{% set said.text = said.text.lstrip('\\n') %}{% endif %}"
                + "{% set bare = "
                + Json.line(template.marks().thoughtOpen().strip())
                + " not in said.text and "
                + Json.line(template.marks().thoughtClose().strip())
                + " not in said.text %}{% if bare and quiet %}"
                + noThought()
                + "{% endif %}";
    }

    /// Puts a thought that stands beside the text of an answer in front of it, unless the text has
    /// one itself.
    private String thoughtOfItsOwn(String open, String close) {
        return "{% if message.reasoning_content is string and "
                + Json.line(template.marks().thoughtOpen().strip())
                + " not in said.text and "
                + Json.line(template.marks().thoughtClose().strip())
                + " not in said.text %}"
                + "{% set thought = message.reasoning_content.strip('\\n') %}{% if thought %}"
                + "{% set said.text = "
                + open
                + " + thought + "
                + close
                + " + said.text.lstrip('\\n') %}{% endif %}{% endif %}";
    }

    private String answer() {
        String thought =
                template.thinks()
                        ? "{% if bare and not quiet %}" + noThought() + "{% endif %}"
                        : "";
        String content = template.thinks() ? "said.text" : "message.content";
        String end =
                template.ending().efficient()
                        ? "{% if loop.last %}" + shown(List.of(eos())) + "{% endif %}"
                        : "";
        return answerWords()
                + "{% generation %}"
                + thought
                + "{% if message.tool_calls %}{% if not message.content %}"
                + "{{ raise_exception('calls are written where tools are known') }}{% endif %}"
                + text(template.slots().call(), content)
                + "{% else %}"
                + text(template.slots().answer(), content)
                + "{% endif %}"
                + end
                + "{% endgeneration %}";
    }

    private static String words(Piece piece) {
        return piece instanceof Piece.Text(String text) ? text : "";
    }

    private String eos() {
        return template.ending().endToken().map(Json::line).orElse("(eos_token | default(''))");
    }

    private String text(List<Slot> slots, String content) {
        return slots.isEmpty() ? "" : shown(parts(slots, content));
    }

    private static String shown(List<String> parts) {
        return "{{ " + String.join(" + ", parts) + " }}";
    }

    private String expression(List<Slot> slots, String content) {
        return String.join(" + ", parts(slots, content));
    }

    private List<String> parts(List<Slot> slots, String content) {
        List<String> parts = new ArrayList<>();
        for (Slot slot : slots) {
            switch (slot) {
                case Slot.Words words -> {
                    parts.add(Json.line(words.before()));
                    if (words.content()) {
                        parts.add(content);
                        parts.add(Json.line(words.after()));
                    }
                }
                case Slot.Fixed(Piece.Text(String text)) -> parts.add(Json.line(text));
                case Slot.Fixed(Piece.Token(String name)) -> parts.add(Json.line(name));
                case Slot.Fixed(Piece.Special special) ->
                        parts.add(
                                special == Piece.Special.EOS ? eos() : "(bos_token | default(''))");
            }
        }
        return parts;
    }
}
