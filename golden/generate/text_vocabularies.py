"""Vocabularies in the notations of the libraries that made them, and what those libraries do with hostile texts.

Usage: text_vocabularies.py OUTDIR [COUNT [SEED [NAME,…]]] (the names: only these of SentencePiece) with sentencepiece 0.2.3, tiktoken 0.14.0, tokenizers 0.23.3, gguf 0.19.0, regex.
OUTDIR gets a folder a vocabulary: its files and golden.jsonl with `text`, `ids` and, where it is not the text, `decoded`;
and splits.jsonl beside it tells how the published regular expressions cut texts.
"""
import base64
import io
import json
import pathlib
import sys
import unicodedata

import gguf
import numpy
import regex
import sentencepiece
import tiktoken
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from tokenizers.implementations import BertWordPieceTokenizer
from sentencepiece import sentencepiece_model_pb2

from hostile_strings import texts

OUT = pathlib.Path(sys.argv[1])
COUNT = int(sys.argv[2]) if len(sys.argv) > 2 else 60
SEED = int(sys.argv[3]) if len(sys.argv) > 3 else 5
ONLY = sys.argv[4].split(",") if len(sys.argv) > 4 else []
CORPUS = (pathlib.Path(__file__).parent / "text_inputs" / "multilingual.txt").read_text(encoding="utf-8").splitlines()

PATTERNS = {
    "gpt2": r"""'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s""",
    "cl100k": r"""'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s""",
    "llama-bpe": r"""(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+""",
    "qwen2": r"""(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+""",
    "gpt-4o": "|".join([
        r"""[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?""",
        r"""[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?""",
        r"""\p{N}{1,3}""", r""" ?[^\s\p{L}\p{N}]+[\r\n/]*""", r"""\s*[\r\n]+""", r"""\s+(?!\S)""", r"""\s+"""]),
    "tekken": "|".join([
        r"""[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+""",
        r"""[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*""",
        r"""\p{N}""", r""" ?[^\s\p{L}\p{N}]+[\r\n/]*""", r"""\s*[\r\n]+""", r"""\s+(?!\S)""", r"""\s+"""]),
}
PIECES = {
    "spm_bpe": dict(model_type="bpe", vocab_size=1100, byte_fallback=True, character_coverage=0.98,
                    normalization_rule_name="identity", remove_extra_whitespaces=False),
    "spm_bpe_no_prefix": dict(model_type="bpe", vocab_size=1100, byte_fallback=True, character_coverage=0.98,
                              normalization_rule_name="identity", remove_extra_whitespaces=False, add_dummy_prefix=False,
                              pad_id=0, eos_id=1, bos_id=2, unk_id=3, user_defined_symbols=["<start_of_turn>", "▁▁", "\n\n"]),
    "spm_bpe_joined": dict(model_type="bpe", vocab_size=800, normalization_rule_name="nmt_nfkc", character_coverage=0.98),
    "spm_unigram": dict(model_type="unigram", vocab_size=800, normalization_rule_name="nmt_nfkc", character_coverage=0.98),
    "spm_unigram_bytes": dict(model_type="unigram", vocab_size=1050, byte_fallback=True, character_coverage=0.98,
                              normalization_rule_name="identity", remove_extra_whitespaces=False),
    "spm_bpe_no_bytes": dict(model_type="bpe", vocab_size=700, character_coverage=0.98, normalization_rule_name="identity",
                             remove_extra_whitespaces=False),
    "spm_unigram_symbols": dict(model_type="unigram", vocab_size=900, byte_fallback=True, character_coverage=0.98,
                                normalization_rule_name="identity", remove_extra_whitespaces=False, add_dummy_prefix=False,
                                user_defined_symbols=["<start_of_turn>", "ello", "12"]),
    "spm_char": dict(model_type="char", vocab_size=300, character_coverage=0.98, normalization_rule_name="identity",
                     remove_extra_whitespaces=False),
    "spm_char_joined": dict(model_type="char", vocab_size=200, character_coverage=0.98, normalization_rule_name="identity"),
    "spm_word": dict(model_type="word", vocab_size=400, normalization_rule_name="identity", remove_extra_whitespaces=False),
    "spm_word_joined": dict(model_type="word", vocab_size=300, normalization_rule_name="identity"),
    "spm_word_suffix": dict(model_type="word", vocab_size=300, normalization_rule_name="identity", remove_extra_whitespaces=False,
                            treat_whitespace_as_suffix=True),
    "spm_bpe_suffix": dict(model_type="bpe", vocab_size=1200, byte_fallback=True, character_coverage=0.98,
                           normalization_rule_name="identity", remove_extra_whitespaces=False, treat_whitespace_as_suffix=True),
    "spm_unigram_suffix": dict(model_type="unigram", vocab_size=800, character_coverage=0.98, normalization_rule_name="identity",
                               treat_whitespace_as_suffix=True),
    "spm_bpe_symbols": dict(model_type="bpe", vocab_size=700, character_coverage=0.98, normalization_rule_name="identity",
                            remove_extra_whitespaces=False, user_defined_symbols=["<start_of_turn>", "ello", "12"]),
}


def write(folder, rows):
    with open(folder / "golden.jsonl", "w", encoding="ascii") as out:
        for text, ids, decoded in rows:
            row = {"text": text, "ids": ids}
            if decoded != text:
                row["decoded"] = decoded
            out.write(json.dumps(row, separators=(",", ":")) + "\n")


def new(name):
    folder = OUT / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def plain(texts, names):
    """Texts without the names of control tokens: the libraries differ in what these mean."""
    return [t for t in texts if not any(n in t for n in names)]


def same(processor, text):
    """Whether the tokenizers library applies the compiled rules as the original does: it cuts the text at graphemes first."""
    charsmap = sentencepiece_model_pb2.ModelProto.FromString(processor.serialized_model_proto()).normalizer_spec
    if not charsmap.precompiled_charsmap:
        return True
    mapped = normalizers.Precompiled(charsmap.precompiled_charsmap).normalize_str(text)
    mapped = regex.sub(" {2,}", " ", mapped).strip(" ").replace(" ", "▁")
    return processor.normalize(text) in (("▁" + mapped, mapped + "▁") if mapped else ("",))


def sentencepieces():
    for name, options in PIECES.items():
        if ONLY and name not in ONLY:
            continue
        buffer = io.BytesIO()
        sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(line for line in CORPUS if line.strip()),
                                                 model_writer=buffer, num_threads=1, minloglevel=2, **options)
        folder = new(name)
        (folder / "tokenizer.model").write_bytes(buffer.getvalue())
        processor = sentencepiece.SentencePieceProcessor(model_proto=buffer.getvalue())
        names = ["<s>", "</s>", "<unk>", "<pad>", "<bos>", "<eos>"]
        if "user_defined_symbols" in options:
            names.append("▁")  # the library takes it for a blank inside a symbol that users defined
        if options["normalization_rule_name"] != "identity":
            names.append("\x85")
        given = texts(COUNT, SEED) + (CORPUS[:30] if options["model_type"] == "word" else [])  # hostile texts have few words
        rows = [(t, processor.encode(t), None) for t in plain(given, names) if same(processor, t)]
        if name == "spm_bpe_symbols":  # transformers and we set no blank before a symbol or a blank at the start
            rows = [row for row in rows if not row[0].startswith((" ", *options["user_defined_symbols"]))]
        write(folder, [(t, ids, t) for t, ids, _ in rows])
        if name in ("spm_bpe", "spm_unigram"):
            as_gguf(name, buffer.getvalue(), rows)


def as_gguf(name, proto, rows):
    model = sentencepiece_model_pb2.ModelProto.FromString(proto)
    folder = new("gguf_" + name)
    writer = gguf.GGUFWriter(str(folder / "vocabulary.gguf"), "llama")
    writer.add_tokenizer_model("llama" if model.trainer_spec.model_type == 2 else "t5")
    writer.add_token_list([piece.piece.encode() for piece in model.pieces])
    writer.add_token_scores([piece.score for piece in model.pieces])
    writer.add_token_types([piece.type for piece in model.pieces])
    writer.add_add_space_prefix(model.normalizer_spec.add_dummy_prefix)
    writer.add_remove_extra_whitespaces(model.normalizer_spec.remove_extra_whitespaces)
    if model.normalizer_spec.precompiled_charsmap:
        writer.add_precompiled_charsmap(model.normalizer_spec.precompiled_charsmap)
    finish(writer)
    write(folder, [(t, ids, t) for t, ids, _ in rows])


def finish(writer):
    writer.add_tensor("output_norm.weight", numpy.zeros(32, numpy.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def byte_level(cut):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(CORPUS, trainers.BpeTrainer(
        vocab_size=cut, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    return tokenizer


def characters():
    shown = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
    more = [b for b in range(256) if b not in shown]
    return {chr(b): b for b in shown} | {chr(256 + i): b for i, b in enumerate(more)}


def ranks_and_merges():
    tokenizer = byte_level(700)
    spec = json.loads(tokenizer.to_str())["model"]
    byte_of = characters()
    bytes_of = lambda token: bytes(byte_of[c] for c in token)
    singles = sorted((t for t in spec["vocab"] if len(t) == 1), key=bytes_of)
    order = singles + ["".join(pair) for pair in spec["merges"]]
    ranks = {bytes_of(token): rank for rank, token in enumerate(dict.fromkeys(order))}
    special = {"<|endoftext|>": len(ranks), "<|im_end|>": len(ranks) + 3}
    folder = new("tiktoken")
    (folder / "words.tiktoken").write_text("".join(
        f"{base64.b64encode(token).decode()} {rank}\n" for token, rank in ranks.items()))
    (folder / "tokenizer_config.json").write_text(json.dumps({"added_tokens_decoder": {
        str(i): {"content": name, "special": True} for name, i in special.items()}}, indent=1) + "\n")
    encoding = tiktoken.Encoding("words", pat_str=PATTERNS["llama-bpe"], mergeable_ranks=ranks, special_tokens=special)
    write(folder, [(t, encoding.encode(t, allowed_special="all"), t) for t in texts(COUNT, SEED)])

    folder = new("vocabulary_and_merges")
    tokenizer.model.save(str(folder))
    end = len(spec["vocab"])
    (folder / "added_tokens.json").write_text(json.dumps({"<|im_end|>": end}) + "\n")
    tokenizer.add_special_tokens(["<|im_end|>"])
    write(folder, [(t, (e := tokenizer.encode(t)).ids, tokenizer.decode(e.ids, skip_special_tokens=False))
                   for t in texts(COUNT, SEED)])


def words():
    tokenizer = BertWordPieceTokenizer(lowercase=True)
    tokenizer.train_from_iterator(CORPUS, vocab_size=900, min_frequency=2, show_progress=False)
    folder = new("words")
    tokenizer.save_model(str(folder))
    again = BertWordPieceTokenizer(str(folder / "vocab.txt"), lowercase=True)
    rows = [(t, again.encode(t, add_special_tokens=False).ids, t) for t in texts(COUNT, SEED)]
    write(folder, rows)
    words_as_gguf((folder / "vocab.txt").read_text(encoding="utf-8").split("\n")[:-1], rows)


def words_as_gguf(tokens, rows):
    """As llama.cpp's converter writes such a vocabulary: the beginning of a word is marked, and not what goes on with it."""
    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    folder = new("gguf_words")
    writer = gguf.GGUFWriter(str(folder / "vocabulary.gguf"), "bert")
    writer.add_tokenizer_model("bert")
    writer.add_token_list([t if t in names else t[2:] if t.startswith("##") else "▁" + t for t in tokens])
    writer.add_token_types([3 if t in names else 1 for t in tokens])
    writer.add_unk_token_id(tokens.index("[UNK]"))
    finish(writer)
    write(folder, [row for row in rows if not any(name in row[0] for name in names)])


def splits():
    with open(OUT.parent / "splits.jsonl", "w", encoding="ascii") as out:
        for text in plain(texts(COUNT, SEED + 1), ["\x1c", "\x1d", "\x1e", "\x1f", "\x85", "\u180e"]):
            if any(unicodedata.category(c) == "Cn" for c in text):
                continue  # the libraries know different versions of Unicode
            row = {"text": text}
            for name, pattern in PATTERNS.items():
                pieces = regex.findall(pattern, text)
                assert "".join(pieces) == text, (name, text)
                row[name] = [len(piece) for piece in pieces]
            out.write(json.dumps(row, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    sentencepieces()
    if ONLY:
        sys.exit()
    ranks_and_merges()
    words()
    splits()
