"""What a config.json of a family means where it says nothing: the defaults of the configuration classes of transformers.

python family_defaults.py > ../../contracts/src/main/resources/dev/tunesmith/contracts/fit/family-defaults.txt

Only what the readers of families ask for is listed. A value that follows from other values (a head's width from that of the
model) is no default: it is left out if it changes with the sizes.
"""
import glob
import os
import re
import sys
import warnings

from transformers import CONFIG_MAPPING, PreTrainedConfig

warnings.filterwarnings("ignore")
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
SOURCES = glob.glob(os.path.join(ROOT, "engine/src/main/java/dev/tunesmith/engine/model/*.java"))
# The usual names of what some families call otherwise.
USUAL = {"n_layer": "num_hidden_layers", "n_layers": "num_hidden_layers", "n_embd": "hidden_size", "n_embed": "hidden_size",
         "d_model": "hidden_size", "n_head": "num_attention_heads", "n_heads": "num_attention_heads",
         "n_positions": "max_position_embeddings", "max_seq_len": "max_position_embeddings", "n_inner": "intermediate_size",
         "ffn_dim": "intermediate_size", "ffn_hidden_size": "intermediate_size", "activation_function": "hidden_act",
         "activation": "hidden_act", "num_kv_heads": "num_key_value_heads", "moe_k": "num_experts_per_tok",
         "moe_topk": "num_experts_per_tok", "moe_num_experts": "num_experts"}
# Sizes that values may follow from.
SIZES = [dict(hidden_size=96, num_attention_heads=6, num_hidden_layers=3, max_position_embeddings=96),
         dict(hidden_size=64, num_attention_heads=4, num_hidden_layers=5, max_position_embeddings=80)]
# Said by tables of the whole model, or never read from a file without them.
LEFT_OUT = {"model_type", "attention_dropout", "initializer_range", "pretraining_tp", "transformers_version"}


def asked():
    """Every text in the readers that may be a key."""
    return {key for path in SOURCES for key in re.findall(r'"([a-z][a-z0-9_]+)"', open(path).read())}


def families():
    """Every family that has a reader, the text models of vision-language families with them."""
    table = open(os.path.join(os.path.dirname(SOURCES[0]), "Families.java")).read()
    names = re.findall(r'Map\.entry\(\s*"([a-z0-9_]+)",\s*[A-Z][A-Za-z]+::', table)
    return sorted(set(names) | {"qwen2_vl_text", "qwen2_5_vl_text"})


def config(family, sizes):
    kind = CONFIG_MAPPING[family]
    try:
        return kind(**sizes).to_dict()
    except Exception:
        return kind().to_dict()


def plain(value):
    return isinstance(value, (bool, int, float, str)) and value != ""


def defaults(family):
    kind = CONFIG_MAPPING[family]
    whole, *others = [config(family, sizes) for sizes in [{}] + SIZES]
    aliases = {}
    for other, own in kind.attribute_map.items():
        aliases.setdefault(own, []).append(other)
    values = {}
    for key, value in whole.items():
        sized = [other.get(key) for other in others]
        given = [sizes.get(key, sizes.get(next(iter(aliases.get(key, [])), key))) for sizes in SIZES]
        follows = sized != [value] * len(sized) and sized != given
        if plain(value) and not follows and (key, value) != ("sliding_window", 0):
            values[key] = value
    rope = whole.get("rope_parameters") or {}
    full = rope.get("full_attention", rope)
    if "rope_theta" in full:
        values["rope_theta"] = full["rope_theta"]
    if "partial_rotary_factor" in full:
        values["partial_rotary_factor"] = full["partial_rotary_factor"]
    return values, aliases


def line(family, keys):
    values, aliases = defaults(family)
    parts = []
    for key, value in sorted(values.items()):
        names = [USUAL.get(key, key), key, *aliases.get(key, [])]
        names = list(dict.fromkeys(names))
        latent = "kv_lora_rank" in values and key == "num_key_value_heads"
        if not keys & set(names) or key in LEFT_OUT or latent:
            continue
        parts.append("%s=%s" % ("|".join(names), str(value).lower() if isinstance(value, bool) else value))
    return " ".join([family, *parts])


def main():
    keys = asked()
    known = [family for family in families() if family in CONFIG_MAPPING]
    print("# What a config.json means where it says nothing, one family a line. Written by golden/generate/family_defaults.py.\n")
    for family in known:
        print(line(family, keys))
    print("no class:", *(set(families()) - set(known)), file=sys.stderr)


if __name__ == "__main__":
    main()
