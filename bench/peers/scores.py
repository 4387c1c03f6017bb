"""Scores of pairs of texts by the libraries that made them known.

Reads {"pairs": [[prediction, reference], ...]} and answers with the scores under our names, and the words of jieba.
"""
import json
import logging
import sys

import jieba
import numpy
from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu
from rouge_chinese import Rouge
from rouge_score import rouge_scorer
from sacrebleu.metrics import BLEU, CHRF, TER

jieba.setLogLevel(logging.ERROR)


def similarity(prediction, reference):
    """As LLaMA-Factory's ComputeSimilarity."""
    found, wanted = " ".join(jieba.cut(prediction)), " ".join(jieba.cut(reference))
    score = {"rouge-1": 0.0, "rouge-2": 0.0, "rouge-l": 0.0}
    if found.split() and wanted.split():
        result = Rouge().get_scores(found, wanted)[0]
        score = {name: round(result[name]["f"] * 100, 4) for name in score}
    bleu = sentence_bleu([list(reference)], list(prediction), smoothing_function=SmoothingFunction().method3)
    return {**score, "bleu-4": round(bleu * 100, 4)}


def main():
    pairs = json.load(sys.stdin)["pairs"]
    found, wanted = [pair[0] for pair in pairs], [[pair[1] for pair in pairs]]
    rows = [similarity(*pair) for pair in pairs]
    scores = {name: float(numpy.mean([row[name] for row in rows])) for name in rows[0]}
    scores["sacrebleu_bleu_13a"] = BLEU(tokenize="13a").corpus_score(found, wanted).score
    scores["sacrebleu_bleu_zh"] = BLEU(tokenize="zh").corpus_score(found, wanted).score
    scores["sacrebleu_chrf"] = CHRF().corpus_score(found, wanted).score
    scores["sacrebleu_chrf++"] = CHRF(word_order=2).corpus_score(found, wanted).score
    scores["sacrebleu_ter"] = TER().corpus_score(found, wanted).score
    scorer = rouge_scorer.RougeScorer(["rouge1", "rouge2", "rougeL"])
    for name in ("rouge1", "rouge2", "rougeL"):
        scores["rouge_score_" + name] = float(numpy.mean([scorer.score(w, f)[name].fmeasure for f, w in pairs]))
    print(json.dumps({"scores": scores, "words": [list(jieba.cut(text)) for text in found]}))


if __name__ == "__main__":
    main()
