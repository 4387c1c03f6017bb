"""Templates in the styles of published models over conversations that try them, rendered as transformers does.

Usage: text_model_styles.py FOLDER with transformers 5.23.0 and jinja2 3.1.6. FOLDER has the templates (*.jinja) and gets
renders.jsonl: the arguments by their index in `arguments.json`, and `expected` or, as `error`, the kind of it.
"""
import json
import pathlib
import sys

from transformers.utils import chat_template_utils

import text_jinja_templates

TOOLS = [
    {"type": "function", "function": {
        "name": "weather", "description": "Tells the weather.\nOf a place.", "parameters": {"type": "object", "required": ["city"], "properties": {
            "city": {"type": "string", "description": "Caf\u00e9 or town"}, "unit": {"type": "string", "enum": ["c", "f"], "default": "c"},
            "days": {"type": ["integer", "null"], "description": "How many", "minimum": 1, "maximum": 7},
            "where": {"type": "object", "properties": {"lat": {"type": "number"}}, "required": ["lat"]},
            "tags": {"type": "array", "items": {"type": "string"}}}}}},
    {"type": "function", "function": {"name": "now", "description": "The time <now> & 'here'.", "parameters": {"type": "object", "properties": {}}}},
]
SYSTEM = {"role": "system", "content": " Be \"nice\". "}
HI = {"role": "user", "content": " Hi <|im_end|> \U0001f600\n"}
HELLO = {"role": "assistant", "content": "<think>\nwhy\n</think>\n\nHello"}
CALL = {"role": "assistant", "content": None, "tool_calls": [
    {"id": "abcdef123", "type": "function", "function": {"name": "weather", "arguments": {"city": "K\u00f6ln", "days": None, "x": [1.0, True, 1e-7]}}}]}
TWO = {"role": "assistant", "content": "Let me see.", "tool_calls": [
    {"id": "abcdef123", "type": "function", "function": {"name": "weather", "arguments": {"city": "<b>"}}},
    {"id": "abcdef124", "type": "function", "function": {"name": "now", "arguments": {}}}]}
TEXT_CALL = {"role": "assistant", "content": "", "tool_calls": [
    {"id": "abcdef123", "type": "function", "function": {"name": "weather", "arguments": "{\"city\": \"Rome\"}"}}]}
RESULT = {"role": "tool", "name": "weather", "tool_call_id": "abcdef123", "content": "{\"t\": 21.5}"}
RESULT_2 = {"role": "tool", "name": "now", "tool_call_id": "abcdef124", "content": "12:00"}
PARTS = {"role": "user", "content": [{"type": "text", "text": " Look: "}, {"type": "image"}, {"type": "text", "text": "what?"}]}
THOUGHT = {"role": "assistant", "reasoning_content": "\nbecause\n", "content": "So."}
ARGUMENTS = [
    {"messages": [HI]}, {"messages": [HI], "add_generation_prompt": True}, {"messages": [SYSTEM, HI, HELLO]},
    {"messages": [SYSTEM, HI, HELLO, HI, THOUGHT]}, {"messages": [HI, HELLO, HI], "add_generation_prompt": True, "enable_thinking": False},
    {"messages": [SYSTEM, HI], "tools": TOOLS, "add_generation_prompt": True}, {"messages": [HI], "tools": TOOLS},
    {"messages": [HI, CALL, RESULT], "tools": TOOLS, "add_generation_prompt": True}, {"messages": [SYSTEM, HI, CALL, RESULT, HELLO], "tools": TOOLS[:1]},
    {"messages": [HI, TWO, RESULT, RESULT_2, HELLO, HI], "tools": TOOLS, "add_generation_prompt": True}, {"messages": [HI, TEXT_CALL, RESULT, THOUGHT]},
    {"messages": [PARTS]}, {"messages": [SYSTEM, PARTS, HELLO], "add_generation_prompt": True}, {"messages": [HI, HI]}, {"messages": [HELLO]},
    {"messages": [{"role": "system", "content": [{"type": "text", "text": "In parts."}]}, HI]}, {"messages": [HI, RESULT]},
    {"messages": [SYSTEM, HI], "documents": [{"title": "One", "text": "first"}, {"title": "Two", "text": "second\nline"}]},
    {"messages": [HI], "documents": [{"title": "One", "text": "first"}], "tools": TOOLS, "controls": {"citations": True, "length": "short"},
     "add_generation_prompt": True},
    {"messages": [{"role": "developer", "content": "Dev."}, HI], "reasoning_effort": "high", "add_generation_prompt": True},
    {"messages": [HI, CALL, RESULT], "builtin_tools": ["weather", "code_interpreter"], "tools_in_user_message": False, "tools": TOOLS},
    {"messages": [{"role": "user", "content": ""}, {"role": "assistant", "content": ""}]}, {"messages": [{"role": "User", "content": "x"}]},
]
SPECIAL = {"bos_token": "<s>", "eos_token": "</s>"}


def rendered(source, arguments):
    messages = [{k: v for k, v in message.items()} for message in arguments["messages"]]
    values = {"tools": None, "documents": None, "add_generation_prompt": False, **SPECIAL, **arguments, "messages": messages}
    try:
        return {"expected": chat_template_utils._cached_compile_jinja_template(source).render(**values)}
    except Exception as error:
        kind = text_jinja_templates.kind_of(error)
        return {"error": kind + (":" + str(error) if kind == "raised" else "")}


def main():
    folder = pathlib.Path(sys.argv[1])
    (folder / "arguments.json").write_text("[\n" + ",\n".join(json.dumps(a) for a in ARGUMENTS) + "\n]\n", encoding="ascii")
    rows, errors = 0, 0
    with open(folder / "renders.jsonl", "w", encoding="ascii") as out:
        for file in sorted(folder.glob("*.jinja")):
            for index, arguments in enumerate(ARGUMENTS):
                row = {"template": file.stem, "arguments": index, **rendered(file.read_text(encoding="utf-8"), arguments)}
                rows += 1
                errors += "error" in row
                out.write(json.dumps(row, separators=(",", ":")) + "\n")
    print(rows, "renders,", errors, "of them fail")


if __name__ == "__main__":
    main()
