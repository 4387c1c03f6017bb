"""Random Jinja templates over a fixed context, with the text that the environment of transformers gives for them.

Usage: text_jinja_templates.py OUTDIR [COUNT [SEED]] with transformers 5.23.0 and jinja2 3.1.6.
OUTDIR gets context.json and templates.jsonl: `template` with `expected`, or with `error`, the kind of it.
Statements nest and share names, so that scopes, white space and loops are tried against each other.
"""
import copy
import datetime
import json
import pathlib
import random
import re
import sys
import traceback
import warnings

import jinja2
from transformers.utils import chat_template_utils

NOW = datetime.datetime(2024, 2, 29, 13, 5, 9, 123456)
CONTEXT = {
    "s": "Hello, <World> & \"all\"", "t": "  spaced\n  text \n", "e": "", "u": "caf\u00e9 \u4f60\u597d \U0001f600", "k": "b",
    "n": 3, "z": 0, "f": 2.5, "yes": True, "no": False, "nil": None,
    "words": ["b", "A", "c", "a", "B"], "nums": [3, 1, 2, 3], "pairs": [["x", 1], ["y", 2]], "empty": [],
    "map": {"b": 2, "a": 1, "C": [1, 2]},
    "tree": [{"v": 1, "c": [{"v": 2, "c": []}, {"v": 3, "c": [{"v": 4, "c": []}]}]}, {"v": 5, "c": []}],
    "messages": [{"role": "system", "content": "Be nice."}, {"role": "user", "content": "Hi \U0001f600"},
                 {"role": "assistant", "content": "<think>\nwhy\n</think>\n\nanswer",
                  "tool_calls": [{"function": {"name": "f", "arguments": {"x": 1, "y": ["z", None]}}}]},
                 {"role": "tool", "content": [{"type": "text", "text": "{\"ok\": true}"}, {"type": "image"}]},
                 {"role": "user", "content": None, "weight": 0.5}],
}


class StoppedClock(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return NOW


chat_template_utils.datetime = StoppedClock


LEAVES = ["'lit'", "\"it's\"", "7", "-2", "1.5", "1_000", "none", "true", "[]", "{}", "messages[0].role", "missing", "u", "t", "words[0]",
          "'a' 'b'", "'\\n'", "'\\u00e9\\x41\\''"]
OF_LOOPS = ["loop.index", "loop.index0", "loop.first", "loop.last", "loop.length", "loop.revindex", "loop.revindex0", "loop.previtem",
            "loop.nextitem", "loop.cycle('o', 'e')", "loop.changed(n)", "loop.depth", "loop.nextitem is defined",
            "(loop.previtem or {}).role", "loop.index % 2 == 0"]
VALUES = [f"<v> | {name}" for name in """upper trim title capitalize first last list reverse int float abs escape e safe urlencode wordcount sum
    max min string tojson length""".split()] + [f"<v>{name}" for name in """[0] [-1] [1:] [:-1] [::2] .content ['role'] [k] .v .items() .upper()
    .strip() .get('a')""".split()] + [f"<v> ~ <v>", "<v> ~ <v>", "<v> ~ <v>", "<v> + <v>", "<v> + <v>", "<t>", "<t>"] + """
<v> | tojson(indent=2)
<v> | tojson(4)
<v> | tojson(separators=(',', ':'))
<v> | tojson(sort_keys=true)
<v> | tojson(ensure_ascii=true)
<v> | tojson(indent=0)
<v> | tojson(indent=1, sort_keys=true)
<v> | default(<v>)
<v> | default(<v>, true)
<v> | d(<v>, boolean=true)
<v> if <t> else <v>
<v> if <t> else <v>
<v> if <t>
<v> | unique | list
<v> | items | list
words | join
words | join(', ')
words | sort
words | sort(case_sensitive=true, reverse=true)
words | unique | list
words | map('lower') | join
words | batch(2, '-') | list
words | slice(2) | list
words | select('in', 'abc') | list
messages | map(attribute='role') | list
messages | selectattr('weight') | list | length
messages | rejectattr('tool_calls', 'defined') | map(attribute='role') | join('|')
messages | groupby('role') | map('first') | list
messages | map(attribute='weight', default=1) | list
messages | sum(attribute='weight')
messages | sort(attribute='role') | map(attribute='role') | join
'%s' % n
'%-4s|' % s
'%r' % s
'%5.1f' % f
'%03d' % (n,)
'%x' % f
'{}'.format(n)
'{0!r}'.format(s)
'{:>4}'.format(n)
'{x}'.format(x=1)
'{0[0]}'.format(words)
[<v>, <v>]
{'a': <v>, k: <v>}
{1: <v>, none: <v>}
(<v>, <v>)
(<v>,)
messages[2].content.split('</think>')[-1]
messages[2].content.split('</think>')[0].lstrip()
messages[2].content.split('</think>')[-1].strip('\\n')
messages[2].tool_calls[0].function
messages[2].tool_calls[0].function.arguments | tojson
messages[2].tool_calls[0].function.arguments.y
strftime_now('%Y-%m-%d')
strftime_now('%d %b %Y')
strftime_now('%A %H:%M')
strftime_now('%j%% %I %p')
t.splitlines()
t | indent(4)
t | indent
t.replace(' ', '_', 1)
t | replace('e', '')
t.rstrip()
t.startswith((' ', 'x'))
t.partition('c')
t.rsplit(none, 1)
t | wordwrap(4)
t | striptags
t.removeprefix(' ')
t.find('c')
t.isspace()
f * n
f / 2
f // n
f % 2
f ** n
n - f
nums * 2
nums + [1]
nums | sum(start=1)
nums | max
nums.index(2)
nums.count(3)
dict(a=<v>)
dict(a=<v>, **map)
lipsum is callable
""".strip().split("\n")
TRUTHS = ["<v>", "<v>", "not <t>", "(<t>)", "<t> and <t>", "<t> or <t>", "1 < n < 3", "1 < n <= 9", "9 > n > 1"] \
    + [f"<v> {sign} <v>" for sign in ["==", "==", "!=", "<", ">=", "in"]] \
    + [f"<v> {sign} {sequence}" for sign in ["in", "not in"] for sequence in ["words", "map", "s", "[1, none]"]] \
    + [f"<v> is {word}" for word in """defined undefined none string mapping iterable sequence number integer float boolean true false callable odd
    lower gt(1)""".split() + ["sameas none", "eq 3", "in words", "divisibleby 3", "not defined", "not none", "not string"]] \
    + [f"messages[{index}].{key} {test}" for index in ["0", "-1", "n", "9"] for key in ["role", "content"]
       for test in ["is defined", "== 'user'", "is string", "is not none"]]


class Maker:
    """Writes templates. `names` are the variables in sight, `macros` the macros with their number of parameters."""

    def __init__(self, rng):
        self.rng = rng
        self.names = ["s", "n", "words", "map"]
        self.macros = {}
        self.spaces = []
        self.depth = 0
        self.loops = 0

    def pick(self, *choices):
        choice = self.rng.choice(choices)
        return choice() if callable(choice) else choice

    def tag(self, inside):
        left = self.pick("{%", "{%", "{%-", "{%+", "{% ")
        right = self.pick("%}", "%}", "-%}", "+%}" if self.rng.random() < 0.2 else "%}")
        return f"{left} {inside} {right}"

    def template(self):
        body = self.block(3, 3, 6)
        return body + self.pick("", "", "\n", "\n\n", " \n")

    def block(self, depth, low=1, high=3):
        known, macros, spaces = list(self.names), dict(self.macros), list(self.spaces)
        parts = [self.statement(depth) for _ in range(self.rng.randint(low, high))]
        self.names, self.macros, self.spaces = known, macros, spaces
        return "".join(parts)

    def plain(self):
        return self.pick("\n", " ", "  \n", "a", "b \n", "<|x|>", "\n  ", "\t\n", "x\r\ny", "{", "% }", "#", "'q'", "\n\n ", "\u00e9\n")

    def statement(self, depth):
        flat = [self.plain, self.plain, self.show, self.show, self.show, self.assign, self.comment, self.raw]
        deep = [self.choose, self.choose, self.loop, self.loop, self.loop, self.capture, self.macro, self.call, self.filtered,
                self.generation, self.walk, self.within, self.space]
        self.depth = depth
        return self.rng.choice(flat + deep if depth > 0 else flat)()

    def show(self):
        left = self.pick("{{", "{{", "{{-")
        right = self.pick("}}", "}}", "-}}")
        return f"{left} {self.value(2)} {right}"

    def comment(self):
        return self.pick("{# c #}", "{#- c -#}", "{# {{ x }} #}", "{#- %} \n#}", "{# c -#}\n")

    def raw(self):
        return self.pick("{% raw %}{{ x }}{% endraw %}", "{%- raw -%} {% if %} {%- endraw -%}", "{% raw %}\n {{\n{% endraw %}\n")

    def assign(self):
        name = self.pick("p", "q", "r")
        form = self.rng.random()
        if self.spaces and form < 0.4:
            return self.tag(f"set {self.rng.choice(self.spaces)}.{self.pick('i', 'j')} = {self.value(2)}")
        if form < 0.5:
            self.names += ["p", "q"]
            return self.tag("set p, q = " + self.pick("1, 2", "pairs[0]", "'xy'", "(n, s)"))
        text = self.tag(f"set {name} = {self.value(2)}")
        self.names.append(name)
        return text

    def space(self):
        name = self.pick("ns", "st")
        text = self.tag(f"set {name} = namespace(i={self.value(1)}{self.pick('', ', j=0', ', j=[]')})")
        self.spaces.append(name)
        return text

    def choose(self):
        depth = self.depth - 1
        text = self.tag("if " + self.truth(2)) + self.block(depth)
        for _ in range(self.pick(0, 0, 0, 1, 2)):
            text += self.tag("elif " + self.truth(2)) + self.block(depth)
        if self.rng.random() < 0.5:
            text += self.tag("else") + self.block(depth)
        return text + self.tag("endif")

    def loop(self):
        depth = self.depth - 1
        known = list(self.names)
        form = self.rng.random()
        if form < 0.25:
            head = self.pick("x, y in pairs", "x, y in map.items()", "x, y in map | dictsort", "(x, y) in pairs", "x, y in map | items")
            self.names += ["x", "y"]
        else:
            head = "x in " + self.pick("words", "nums", "messages", "range(n)", "words[1:]", "messages[::-1]", "nums | sort", "empty", "s[:4]",
                                       "messages | selectattr('role', 'equalto', 'user')", "map", "words | batch(2)", "[1, 'a', none]",
                                       "nums | unique", "'a-b'.split('-')", "words | map('upper')", "messages if x.role != 'system'", "missing")
            self.names.append("x")
        if " if " not in head and self.rng.random() < 0.25:
            head += " if " + self.pick("x", "x != 'a'", "not loop is defined", "x is string", "x is not none")
        self.loops += 1
        body = self.block(depth)
        if self.rng.random() < 0.25:
            stop = self.tag("if " + self.pick("loop.index > 1", "loop.last", "x is string", "loop.index0 == n")) + self.tag(self.pick("break", "continue")) + self.tag("endif")
            body = stop + body if self.rng.random() < 0.5 else body + stop
        self.loops -= 1
        if self.rng.random() < 0.2:
            body += self.tag("else") + self.plain()
        self.names = known
        return self.tag("for " + head) + body + self.tag("endfor")

    def walk(self):
        inner = self.pick("{{ loop(x.c) }}", "{% if x.c %}{{ loop(x.c) }}{% endif %}", "({{ loop(x.c) }})")
        return (self.tag("for x in tree recursive") + self.pick("{{ x.v }}", "{{ loop.depth }}:{{ x.v }} ", "{{ loop.depth0 }}{{ loop.index }}")
                + inner + self.tag("endfor"))

    def capture(self):
        name = self.pick("p", "r")
        text = self.tag(f"set {name}" + self.pick("", "", " | trim", " | upper | replace('A', '.')"))
        text += self.block(self.depth - 1) + self.tag("endset")
        self.names.append(name)
        return text

    def macro(self):
        name, depth = self.pick("m", "w"), self.depth - 1
        heads = {"": 0, "a": 1, "a, b=2": 2, "a, b=s": 2, "a='x', b=none": 2}
        head = self.rng.choice(list(heads))
        known = list(self.names)
        self.names += [part.split("=")[0].strip() for part in head.split(",") if part]
        body = self.block(depth) + self.pick("", "", "{{ varargs }}", "{{ kwargs | tojson }}", "{{ caller() if caller }}", "{{ caller is defined }}")
        self.names = known
        text = self.tag(f"macro {name}({head})") + body + self.tag("endmacro")
        self.macros[name] = heads[head]
        return text

    def call(self):
        if not self.macros:
            return self.show()
        name = self.rng.choice(list(self.macros))
        if self.rng.random() < 0.5:
            return "{{ " + self.invoke(name) + " }}"
        return self.tag("call " + self.invoke(name)) + self.block(self.depth - 1) + self.tag("endcall")

    def invoke(self, name):
        count = self.macros[name]
        given = [self.value(1) for _ in range(self.rng.randint(0, count + (self.rng.random() < 0.2)))]
        if count == 2 and len(given) < 2 and self.rng.random() < 0.4:
            given.append("b=" + self.value(1))
        return f"{name}({', '.join(given)})"

    def filtered(self):
        return self.tag("filter " + self.pick("upper", "trim", "replace('a', '*')", "indent(2)", "indent(3, true)", "title", "tojson")) \
            + self.block(self.depth - 1) + self.tag("endfilter")

    def generation(self):
        return self.tag("generation") + self.block(self.depth - 1) + self.tag("endgeneration")

    def within(self):
        known = list(self.names)
        head = self.pick("", "p = 1", "p = s, q = n", "s = 'w'")
        self.names += ["p"]
        text = self.tag("with " + head) + self.block(self.depth - 1) + self.tag("endwith")
        self.names = known
        return text

    def value(self, depth):
        if self.loops and self.rng.random() < 0.3:
            return self.rng.choice(OF_LOOPS)
        if self.spaces and self.rng.random() < 0.25:
            return self.rng.choice(self.spaces) + self.pick(".i", ".j")
        if depth <= 0 or self.rng.random() < 0.25:
            return self.rng.choice(self.rng.choice([self.names, LEAVES]))
        return self.filled(self.rng.choice(VALUES), depth)

    def truth(self, depth):
        if depth <= 0 or self.rng.random() < 0.2:
            return self.pick("yes", "no", "nil", "s", "e", "words", "empty", "missing", "loop is defined", "true", "n")
        return self.filled(self.rng.choice(TRUTHS), depth)

    def filled(self, form, depth):
        return re.sub("<[vt]>", lambda found: self.atom(self.value(depth - 1)) if found[0] == "<v>" else self.truth(depth - 1), form)

    def atom(self, text):
        simple = text.replace(".", "").replace("_", "").isalnum() and not text[0].isdigit() or text[0] == text[-1] == "'" and text.count("'") == 2
        return text if simple else f"({text})"


def kind_of(error):
    if isinstance(error, jinja2.exceptions.TemplateSyntaxError):
        return "syntax"
    if isinstance(error, jinja2.exceptions.SecurityError):
        return "security"
    if isinstance(error, jinja2.exceptions.UndefinedError):
        return "undefined"
    if type(error) is jinja2.exceptions.TemplateError:
        return "raised"
    frames = traceback.extract_tb(error.__traceback__)
    assert any(frame.filename == "<template>" or "/jinja2/" in frame.filename for frame in frames), error
    return "runtime"


def rendered(source):
    """What a row says of a template; nothing where the text shows addresses or names of Python's own."""
    try:
        text = chat_template_utils._cached_compile_jinja_template(source).render(**copy.deepcopy(CONTEXT))
    except Exception as error:
        return {"error": kind_of(error)}
    shown = any(sign in text for sign in (" at 0x", "&lt;", "rkup(", "dict_", "built-in", "<class", "<Macro", "LoopContext", "<Namespace"))
    return None if shown or len(text) > 1500 else {"expected": text}


def main():
    folder = pathlib.Path(sys.argv[1])
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 400
    rng = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 1)
    warnings.simplefilter("ignore")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "context.json").write_text(json.dumps(CONTEXT, indent=1) + "\n", encoding="ascii")
    rows, errors = 0, 0
    with open(folder / "templates.jsonl", "w", encoding="ascii") as out:
        while rows < count:
            source = Maker(rng).template()
            # What constants are folded to has rules of its own: `true[1:]` is nothing and no error.
            folded = re.search(r"(none|true|\d|\))\[[^'\]]*:", source)
            result = None if folded or len(source) > 700 else rendered(source)
            if result is None or "error" in result and errors > rows // 5:
                continue
            rows += 1
            errors += "error" in result
            out.write(json.dumps({"template": source, **result}, separators=(",", ":")) + "\n")
    print(rows, "templates,", errors, "of them fail")


if __name__ == "__main__":
    main()
