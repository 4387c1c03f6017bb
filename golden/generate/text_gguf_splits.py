"""How llama.cpp cuts texts, by the names that GGUF files give their splits.

Usage: text_gguf_splits.py OUTDIR [COUNT [SEED]] with llama-cpp-python 0.3.36, gguf 0.19.0, tokenizers 0.23.3.
OUTDIR gets gguf_splits.json: tokens and merges of a byte-level vocabulary that was learned without any split, so that every cut shows; the same over
characters; the texts; and for each name, or names that cut alike, the ids of each text. null stands where llama.cpp's approximation departs from the
expression that the model was trained with (it knows no case of letters beyond ASCII, no blanks beyond ASCII inside some expressions, and joins a
text to the digits behind it): the `tokenizers` library says so.
"""
import ctypes
import json
import pathlib
import sys
import tempfile
import unicodedata

import gguf
import llama_cpp.llama_cpp as lib
import numpy
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from hostile_strings import texts

OUT = pathlib.Path(sys.argv[1])
COUNT = int(sys.argv[2]) if len(sys.argv) > 2 else 50
SEED = int(sys.argv[3]) if len(sys.argv) > 3 else 7
CORPUS = (pathlib.Path(__file__).parent / "text_inputs" / "multilingual.txt").read_text(encoding="utf-8")
HARD = ["123 1234 12345 123456 1234567 x12345678y ١٢٣٤٥٦٧", "abc123def4567ghi", "'s 'S 'LL ''re don't DON'T", "a\r\nb\r\n\r\nc \n d\n\n\n e",
        "안녕하세요 ㄱㄴ 你好，世界！ひらがなカタカナﾊﾝｶｸ ㄅㄆ สวัสดี", "…“quoted”‘x’——：；", "!!!\n\n\n???\r\n", "=====\n", "   \n  x", "foo/bar//baz\n",
        "¼ ½ ² ⅷ 12⅓", "éa\u0301e\u0308 न्हिन्दी", "a  12  b   345\t6", "HelloWorld camelCaseIt'S XMLHttp", " " * 37 + "x" + " " * 700 + "y"]
NAMES = """a.x-4.0 afmoe bailingmoe bailingmoe2 bloom chameleon chatglm-bpe codeshell cohere2moe command-r dbrx deepseek-coder deepseek-llm
deepseek-r1-qwen deepseek-v3 default exaone exaone-moe exaone4 f2llmv2 falcon falcon-h1 falcon3 gigachat glm4 gpt-2 gpt-4o gpt3-finnish
granite-docling granite-embed-multi-97m grok-2 hunyuan hunyuan-dense hy_v4 jais jais-2 jina-de jina-es jina-v1-en jina-v2-code jina-v2-de
jina-v2-es jina-v5-nano joyai-llm kanana2 kimi-k2 kormo laguna lfm2 llada-moe llama-bpe llama-v3 llama3 llama4 megrez mellum mellum2 midm-2.0
minerva-7b minicpm5 minimax-m2 modern-bert mpt olmo phi-2 pixtral poro-chat qwen2 qwen35 refact roberta-bpe seed-coder smaug-bpe smollm
solar-open spark2_5 stablelm2 starcoder superbpe talkie tekken tiny_aya trillion ufakzeka viking youtu""".split()
CHARACTERS = ["gemma4", "granite-embed-multi-311m", "sarvam-moe"]

UPPER, LOWER, END = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]", r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
FIRST = r"[^\r\n\p{L}\p{N}]?"
TAIL = r"""| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"""
cased = lambda upper, lower, end: f"{FIRST}{upper}*{lower}+{end}|{FIRST}{upper}+{lower}*{end}"
GPT4O = cased(UPPER, LOWER, END + "?") + r"|\p{N}{1,3}" + TAIL
SIGN = r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"""
HAN = "[一-龥぀-ゟ゠-ヿ]+"
NO_HAN = lambda c: c[:-1] + r"&&[^\p{Han}]]"
# Expressions of the models where llama.cpp's are others.
PUBLISHED = {
    "gpt-4o": [GPT4O], "llama4": [GPT4O], "kanana2": [GPT4O], "talkie": [GPT4O], "minimax-m2": [GPT4O], "granite-embed-multi-97m": [GPT4O],
    "tekken": [cased(UPPER, LOWER, "") + r"|\p{N}" + TAIL],
    "tiny_aya": [r"\d{1,3}(?=(?:\d{3})*\b)", GPT4O], "cohere2moe": [r"\d{1,3}(?=(?:\d{3})*\b)", GPT4O],
    "youtu": ["[가-힣ㄱ-ㆎ]+|[！…“”‘’—：；，、-〿︰-﹏]+|[ㄅ-ㄯ]+|" + HAN, cased(UPPER, LOWER, END + "?") + r"|\p{N}" + TAIL],
    "kimi-k2": [r"[\p{Han}]+|" + cased(NO_HAN(UPPER), NO_HAN(LOWER), END + "?") + r"|\p{N}{1,3}" + TAIL.replace("/", "")],
    "afmoe": [r"\p{N}{1,3}(?=(?:\p{N}{3})*(?!\p{N}))",
              "[一-鿿㐀-䶿豈-\uFAFF぀-ゟ゠-ヿ･-ﾟ⼀-\u2FDFเ-\u0E7F\u0E80-\u0EFFក-\u17FFက-႟ꩠ-ꩿꧠ-\uA9FF가-\uD7AFᄀ-ᇿ]+",
              SIGN + r"| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"],
    "superbpe": [r"\p{N}+", r"(?=(\d{3})+(?!\d))"],
}
SPACES = {"deepseek-coder", "deepseek-llm"}
COMPOSED = {"qwen2", "deepseek-r1-qwen"}


def learned(corpus, size, characters):
    if characters:
        tokenizer = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>"))
        tokenizer.normalizer = normalizers.Replace(" ", "▁")
        special = ["<unk>", "<s>"] + [f"<0x{b:02X}>" for b in range(256)]
        trainer = trainers.BpeTrainer(vocab_size=size, special_tokens=special, limit_alphabet=300, show_progress=False)
        tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[^\n]+|\n+"), "isolated")
    else:
        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
        trainer = trainers.BpeTrainer(vocab_size=size, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    tokenizer.train_from_iterator(corpus, trainer)
    model = json.loads(tokenizer.to_str())["model"]
    return sorted(model["vocab"], key=model["vocab"].get), [" ".join(pair) for pair in model["merges"]]


def vocabulary(path, name, tokens, merges, characters):
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_context_length(16)
    writer.add_embedding_length(32)
    writer.add_block_count(1)
    writer.add_feed_forward_length(32)
    writer.add_head_count(1)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(32)
    writer.add_tokenizer_model("gemma4" if name == "gemma4" else "gpt2")
    if name != "gemma4":
        writer.add_tokenizer_pre(name)
    writer.add_token_list([t.encode() for t in tokens])
    kind = lambda i, t: 1 if not characters else 2 if i == 0 else 3 if i == 1 else 6 if i < 258 else 1
    writer.add_token_types([kind(i, t) for i, t in enumerate(tokens)])
    writer.add_token_merges(merges)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(1)
    writer.add_add_bos_token(False)
    writer.add_add_eos_token(False)
    writer.add_tensor("output_norm.weight", numpy.zeros(32, numpy.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def tokens_of_llama(path, given):
    parameters = lib.llama_model_default_params()
    parameters.vocab_only = True
    parameters.n_gpu_layers = 0
    model = lib.llama_model_load_from_file(str(path).encode(), parameters)
    assert model, path
    words = lib.llama_model_get_vocab(model)
    for text in given:
        utf8 = text.encode()
        room = (lib.llama_token * (2 * len(utf8) + 16))()
        count = lib.llama_tokenize(words, utf8, len(utf8), room, len(room), False, False)
        yield list(room[:count])
    lib.llama_model_free(model)


def published(expressions, tokens, merges, whole):
    tokenizer = Tokenizer(models.BPE(vocab={t: i for i, t in enumerate(tokens)}, merges=[tuple(m.split(" ")) for m in merges], ignore_merges=whole))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(e), "isolated") for e in expressions]
                                                      + [pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    return tokenizer


def ids(name, given, tokens, merges, characters, folder):
    path = pathlib.Path(folder) / "vocabulary.gguf"
    vocabulary(path, name, tokens, merges, characters)
    found = list(tokens_of_llama(path, given))
    if name in PUBLISHED:
        whole = name in ("tekken", "youtu", "granite-embed-multi-97m")
        other = published(PUBLISHED[name], tokens, merges, whole)
        found = [i if i == other.encode(t).ids else None for t, i in zip(given, found)]
    if name in SPACES:
        found = [None if any(c.isspace() and ord(c) > 127 for c in t) else i for t, i in zip(given, found)]
    if name in COMPOSED:
        found = [i if unicodedata.normalize("NFC", t) == t else None for t, i in zip(given, found)]
    return found


@lib.llama_log_callback
def silent(level, text, data):
    pass


def main():
    lib.llama_backend_init()
    lib.llama_log_set(silent, ctypes.c_void_p(0))
    whole = lambda t: not any(0xD800 <= ord(c) < 0xE000 for c in t)
    given = [t for t in texts(COUNT, SEED) if whole(t) and len(t) < 400] + CORPUS.splitlines()[:20] + HARD
    corpus = [CORPUS] + [t for t in texts(120, SEED) if whole(t)] * 3 + HARD * 6
    bytes_ = learned(corpus, 2000, False)
    characters = learned(corpus, 1600, True)
    alike = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in NAMES + CHARACTERS:
            raw = name in CHARACTERS
            found = ids(name, given, *(characters if raw else bytes_), raw, folder)
            print(name, len(given), sum(i is None for i in found))
            alike.setdefault(json.dumps([raw, found], separators=(",", ":")), []).append(name)
    with open(OUT / "gguf_splits.json", "w", encoding="ascii") as out:
        out.write("{\n")
        for key, value in (("tokens", bytes_[0]), ("merges", bytes_[1]), ("character_tokens", characters[0]), ("character_merges", characters[1]),
                           ("texts", given)):
            out.write(json.dumps(key) + ":" + json.dumps(value, separators=(",", ":")) + ",\n")
        out.write('"cuts":[\n')
        out.write(",\n".join('{"names":%s,"characters":%s,"ids":%s}' % (json.dumps(names), json.dumps(json.loads(key)[0]),
                             json.dumps(json.loads(key)[1], separators=(",", ":"))) for key, names in alike.items()))
        out.write("\n]}\n")


if __name__ == "__main__":
    main()
