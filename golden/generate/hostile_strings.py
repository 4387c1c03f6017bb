"""Texts that break tokenizers, from a fixed seed."""
import random

WORDS = ["hello", "World", "don't", "I'LL", "naïve", "straße", "ΑΒΓς", "Привет", "مرحبا", "שלום", "नमस्ते", "สวัสดี",
         "안녕하세요", "日本語テキスト", "中文分词", "ﬁne", "Ǆ", "İstanbul", "x²", "½", "ⅷ", "①", "12345", "3.14", "1,000,000",
         "٣٤", "camelCaseWord", "HTTPServer", "snake_case", "a/b/c", "http://x.y/z?q=1", "e\u0301", "\u1112\u1161\u11ab",
         "\u212b", "ＡＢＣ", "ｶﾞ", "a\u0300\u0301\u0302\u0303"]
BLANKS = [" ", "  ", "   ", "\t", "\n", "\r\n", "\r", "\n\n\n", "\u00a0", "\u2003", "\u3000", "\u200b", "\u2028", "\u0085",
          "\x0b", "\x0c", " \n ", "\t\t"]
SIGNS = [".", ",", "!?", "...", "--", "(", ")", "[]", "{}", "\"", "'", "`", "@#$%", "…", "。", "、", "«»", "€", "\\", "/", "//", "|"]
NASTY = ["\x00", "\x01", "\x1b", "\x7f", "\ufeff", "\ufffd", "\ufffe", "\U0010ffff", "\ue000", "\u202e", "\u200d", "\u2060",
         "👨‍👩‍👧‍👦", "🏳️‍🌈", "🇩🇪", "👍🏽", "😀", "\U0001f9ff", "𝔘𝔫𝔦", "𠀀", "\U000e0001", "▁", "▁▁", "Ġ", "Ċ", "Â", "<0x0A>", "<0xE4>",
         "##ing", "</w>", "<s>", "</s>", "<unk>", "<pad>", "<|endoftext|>", "<|im_start|>", "<|im_end|>", "[CLS]", "[MASK]",
         "<|im_", "|>", "<s", "s>", "<extra_id_0>", "<start_of_turn>", "\u0338", "z\u0335\u0321"]


def text(rng):
    pools = [WORDS] * rng.randint(1, 6) + [BLANKS] * rng.randint(0, 4) + [SIGNS] * rng.randint(0, 3) + [NASTY] * rng.randint(0, 3)
    parts = []
    for _ in range(rng.randint(0, 14)):
        kind = rng.random()
        if kind < 0.06:
            parts.append(rng.choice(rng.choice(pools)) * rng.randint(2, 40))
        elif kind < 0.12:
            parts.append("".join(chr(point(rng)) for _ in range(rng.randint(1, 6))))
        else:
            parts.append(rng.choice(rng.choice(pools)))
        if rng.random() < 0.4:
            parts.append(" ")
    return "".join(parts)


def point(rng):
    while True:
        c = rng.choice([rng.randint(0, 0x2ff), rng.randint(0x300, 0x33ff), rng.randint(0, 0xffff), rng.randint(0, 0x10ffff)])
        if not 0xD800 <= c <= 0xDFFF:
            return c


def texts(count, seed):
    rng = random.Random(seed)
    return ["", " ", "  a", "a  ", "\n"] + [text(rng) for _ in range(count - 5)]
