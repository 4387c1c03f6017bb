"""What several scripts of this folder need."""
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import BitsAndBytesConfig, PreTrainedTokenizerFast

FOUR_BIT = BitsAndBytesConfig(
    load_in_4bit=True,
    bnb_4bit_quant_type="nf4",
    bnb_4bit_use_double_quant=True,
    bnb_4bit_compute_dtype=torch.bfloat16,
)


def tokenizer_of(words, **settings):
    """A tokenizer of so many made-up words, `w0` and on; the last one ends a text."""
    end = f"w{words - 1}"
    plain = Tokenizer(models.WordLevel({f"w{i}": i for i in range(words)}, unk_token="w0"))
    plain.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(
        tokenizer_object=plain, unk_token="w0", eos_token=end, pad_token=end, **settings
    )
