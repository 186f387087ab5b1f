"""A cross-encoder of a dozen nodes, written byte by byte: no package with real weights could be shipped.

The graph counts the tokens of the question that the document has, and takes 3 from it: a logit. ONNX files
are messages of protobuf; the numbers of their fields are those of onnx.proto3.
"""

import struct
from collections.abc import Iterable, Sequence
from pathlib import Path

from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.normalizers import Lowercase
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing

from buttress.testing.contracts.reranker import DOCUMENTS, QUERY

_FLOAT, _INT64 = 1, 7
_SPECIAL = ["[UNK]", "[CLS]", "[SEP]"]


def write_cross_encoder(
    folder: Path,
    *,
    outputs: int = 1,
    kinds: str = "token_type_ids",
    place: str = "model.onnx",
    bias: float = 3,
) -> Path:
    """Write model and tokenizer into `folder`; `outputs` numbers for each pair, the input `kinds`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / place).parent.mkdir(exist_ok=True)
    (folder / place).write_bytes(_model(outputs, kinds, bias))
    words = sorted(set(f"{QUERY} {' '.join(DOCUMENTS)} and old word".lower().replace(".", " .").split()))
    vocabulary = {word: number for number, word in enumerate([*_SPECIAL, *words])}
    tokenizer = Tokenizer(WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = Lowercase()
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 1), ("[SEP]", 2)],
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def write_uneven_embedder(folder: Path) -> Path:
    """Write a model that gives as many numbers for a text as it has tokens, and a tokenizer."""
    write_cross_encoder(folder)
    graph = b"".join(
        [
            _bytes(1, _node("Cast", ["input_ids"], "numbers", to=_FLOAT)),
            _bytes(2, b"uneven"),
            _bytes(11, _value("input_ids", _INT64, [1, "n"])),
            _bytes(12, _value("numbers", _FLOAT, [1, "n"])),
        ]
    )
    model = _number(1, 8) + _bytes(7, graph) + _bytes(8, _bytes(1, b"") + _number(2, 13))
    (folder / "model.onnx").write_bytes(model)
    return folder


def _model(outputs: int, kinds: str, bias: float) -> bytes:
    nodes = [
        _node("Unsqueeze", ["input_ids", "two"], "down"),
        _node("Unsqueeze", ["input_ids", "one"], "across"),
        _node("Equal", ["down", "across"], "same"),
        _node("Cast", ["same"], "hits", to=_FLOAT),
        _node("Cast", [kinds], "of_document", to=_FLOAT),
        _node("Sub", ["unit", "of_document"], "of_query"),
        _node("Unsqueeze", ["of_query", "two"], "rows"),
        _node("Unsqueeze", ["of_document", "one"], "columns"),
        _node("Mul", ["hits", "rows"], "asked"),
        _node("Mul", ["asked", "columns"], "shared"),
        _node("ReduceMax", ["shared"], "found", axes=[2], keepdims=0),
        _node("ReduceSum", ["found", "one"], "count", keepdims=1),
        _node("Sub", ["count", "bias"], "logit"),
        _node("Neg", ["logit"], "other"),
        _node(
            "Concat", ["other", "logit", "logit"][:outputs] if outputs > 1 else ["logit"], "logits", axis=1
        ),
    ]
    constants = [
        _tensor("one", _INT64, [1], struct.pack("<q", 1)),
        _tensor("two", _INT64, [1], struct.pack("<q", 2)),
        _tensor("unit", _FLOAT, [], struct.pack("<f", 1)),
        _tensor("bias", _FLOAT, [], struct.pack("<f", bias)),
    ]
    graph = b"".join(
        [
            *(_bytes(1, node) for node in nodes),
            _bytes(2, b"overlap"),
            *(_bytes(5, constant) for constant in constants),
            _bytes(11, _value("input_ids", _INT64, [1, "n"])),
            _bytes(11, _value(kinds, _INT64, [1, "n"])),
            _bytes(12, _value("logits", _FLOAT, [1, outputs])),
        ]
    )
    return _number(1, 8) + _bytes(7, graph) + _bytes(8, _bytes(1, b"") + _number(2, 13))


def _node(kind: str, inputs: Sequence[str], output: str, **attributes: int | list[int]) -> bytes:
    told = [_bytes(1, one.encode()) for one in inputs] + [
        _bytes(2, output.encode()),
        _bytes(4, kind.encode()),
    ]
    return b"".join(told + [_bytes(5, _attribute(name, value)) for name, value in attributes.items()])


def _attribute(name: str, value: int | list[int]) -> bytes:
    if isinstance(value, int):
        return _bytes(1, name.encode()) + _number(3, value) + _number(20, 2)
    return _bytes(1, name.encode()) + b"".join(_number(8, one) for one in value) + _number(20, 7)


def _tensor(name: str, kind: int, shape: Iterable[int], data: bytes) -> bytes:
    sizes = b"".join(_number(1, one) for one in shape)
    return sizes + _number(2, kind) + _bytes(8, name.encode()) + _bytes(9, data)


def _value(name: str, kind: int, shape: Iterable[int | str]) -> bytes:
    sizes = [_number(1, one) if isinstance(one, int) else _bytes(2, one.encode()) for one in shape]
    tensor = _number(1, kind) + _bytes(2, b"".join(_bytes(1, size) for size in sizes))
    return _bytes(1, name.encode()) + _bytes(2, _bytes(1, tensor))


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, data: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    """Return `value` in groups of seven bits, the lowest first."""
    groups = []
    while value > 0x7F:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*groups, value])
