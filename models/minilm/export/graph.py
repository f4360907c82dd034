"""The encoder as an ONNX graph of standard operators, in fp32 or with int8 weights.

One text per run, so there is no padding and no attention mask: a dynamically quantised activation takes its scale
from everything in the tensor, and padding or neighbours in a batch would change a text's vector.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

LAYERS, HEADS, WIDTH = 6, 12, 384
HEAD_WIDTH = WIDTH // HEADS
MAX_TOKENS = 256
LAYER_NORM_EPSILON = 1e-12
OPSET, IR_VERSION = 20, 9  # 20 is the first opset with Gelu

Weights = Mapping[str, NDArray[np.float32]]


class _Graph:
    """Collects nodes and constants; `op` answers the name of a node's output."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, NDArray[np.generic]] = {}

    def constant(self, name: str, value: NDArray[np.generic]) -> str:
        self.constants[name] = np.ascontiguousarray(value)
        return name

    def op(self, kind: str, *inputs: str, **attributes: Any) -> str:
        return self.ops(kind, 1, *inputs, **attributes)[0]

    def ops(self, kind: str, outputs: int, *inputs: str, **attributes: Any) -> list[str]:
        name = f"{kind}_{len(self.nodes)}"
        names = [f"{name}.{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(kind, list(inputs), names, name=name, **attributes))
        return names


class Encoder:
    """Builds the graph from the weights of a BERT encoder, named as in its safetensors file."""

    def __init__(self, weights: Weights, *, int8: bool) -> None:
        self._weights = weights
        self._int8 = int8
        self._graph = _Graph()

    def build(self) -> onnx.ModelProto:
        """Input `input_ids` (1, tokens) int64, at most 256 tokens; output `embedding` (1, 384), unit length."""
        g = self._graph
        x = self._embeddings("input_ids")
        for layer in range(LAYERS):
            x = self._layer(x, f"encoder.layer.{layer}.")
        mean = g.op("ReduceMean", x, g.constant("token_axis", np.array([1], np.int64)), keepdims=0)
        g.nodes.append(helper.make_node("LpNormalization", [mean], ["embedding"], name="unit_length", axis=-1, p=2))
        graph = helper.make_graph(
            g.nodes,
            "all-MiniLM-L6-v2",
            [helper.make_tensor_value_info("input_ids", TensorProto.INT64, [1, "tokens"])],
            [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, [1, WIDTH])],
            [numpy_helper.from_array(value, name) for name, value in g.constants.items()],
        )
        opset = helper.make_opsetid("", OPSET)
        model = helper.make_model(
            graph, opset_imports=[opset], ir_version=IR_VERSION, producer_name="agent-memory-model-minilm"
        )
        onnx.checker.check_model(model, full_check=True)
        return model

    def _embeddings(self, ids: str) -> str:
        g, name = self._graph, "embeddings.word_embeddings.weight"
        table = self._weights[name]
        if self._int8:
            rows, scale = _quantised(table, axis=1)
            picked = g.op("Cast", g.op("Gather", g.constant(name, rows), ids), to=TensorProto.FLOAT)
            words = g.op("Mul", picked, g.op("Gather", g.constant(f"{name}.scale", scale), ids))
        else:
            words = g.op("Gather", g.constant(name, table), ids)
        # All tokens are of type 0: its vector is added to every position here instead of at run time.
        positions = (
            self._weights["embeddings.position_embeddings.weight"]
            + self._weights["embeddings.token_type_embeddings.weight"][0]
        )
        count = g.op("Shape", ids, start=1, end=2)
        zero = g.constant("first_position", np.array([0], np.int64))
        used = g.op("Slice", g.constant("positions", positions[:MAX_TOKENS]), zero, count)
        return self._layer_norm(g.op("Add", words, used), "embeddings.LayerNorm")

    def _layer(self, x: str, prefix: str) -> str:
        g = self._graph
        attended = self._linear(
            self._attention(x, f"{prefix}attention.self."), *self._dense(f"{prefix}attention.output.dense")
        )
        x = self._layer_norm(g.op("Add", attended, x), f"{prefix}attention.output.LayerNorm")
        inner = g.op("Gelu", self._linear(x, *self._dense(f"{prefix}intermediate.dense")))
        outer = self._linear(inner, *self._dense(f"{prefix}output.dense"))
        return self._layer_norm(g.op("Add", outer, x), f"{prefix}output.LayerNorm")

    def _attention(self, x: str, prefix: str) -> str:
        g = self._graph
        # Query, key and value in one product; the factor 1/√(head width) sits in the query's weights.
        parts = [self._dense(f"{prefix}{part}")[1:] for part in ("query", "key", "value")]
        factors = (np.float32(HEAD_WIDTH**-0.5), np.float32(1), np.float32(1))
        weight = np.concatenate([w * f for (w, _), f in zip(parts, factors, strict=True)])
        bias = np.concatenate([b * f for (_, b), f in zip(parts, factors, strict=True)])
        joined = self._linear(x, f"{prefix}joined", weight, bias)
        split = g.constant("head_shape", np.array([0, 0, HEADS, HEAD_WIDTH], np.int64))
        query, key, value = (g.op("Reshape", part, split) for part in g.ops("Split", 3, joined, axis=-1, num_outputs=3))
        scores = g.op("MatMul", g.op("Transpose", query, perm=[0, 2, 1, 3]), g.op("Transpose", key, perm=[0, 2, 3, 1]))
        mixed = g.op("MatMul", g.op("Softmax", scores, axis=-1), g.op("Transpose", value, perm=[0, 2, 1, 3]))
        flat = g.constant("flat_shape", np.array([0, 0, WIDTH], np.int64))
        return g.op("Reshape", g.op("Transpose", mixed, perm=[0, 2, 1, 3]), flat)

    def _dense(self, name: str) -> tuple[str, NDArray[np.float32], NDArray[np.float32]]:
        return name, self._weights[f"{name}.weight"], self._weights[f"{name}.bias"]

    def _linear(self, x: str, name: str, weight: NDArray[np.float32], bias: NDArray[np.float32]) -> str:
        """A dense layer: x · weightᵀ + bias; weight is (out, in)."""
        g = self._graph
        added = g.constant(f"{name}.bias", bias)
        if not self._int8:
            return g.op("Add", g.op("MatMul", x, g.constant(f"{name}.weight", weight.T)), added)
        columns, scale = _quantised(weight.T, axis=0)
        levels, step, zero = g.ops("DynamicQuantizeLinear", 3, x)
        product = g.op("MatMulInteger", levels, g.constant(f"{name}.weight", columns), zero)
        factor = g.op("Mul", step, g.constant(f"{name}.scale", scale[0]))
        return g.op("Add", g.op("Mul", g.op("Cast", product, to=TensorProto.FLOAT), factor), added)

    def _layer_norm(self, x: str, name: str) -> str:
        g = self._graph
        weight = g.constant(f"{name}.weight", self._weights[f"{name}.weight"])
        bias = g.constant(f"{name}.bias", self._weights[f"{name}.bias"])
        return g.op("LayerNormalization", x, weight, bias, axis=-1, epsilon=LAYER_NORM_EPSILON)


def _quantised(values: NDArray[np.float32], *, axis: int) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Symmetric int8 with one scale per row (axis 1) or column (axis 0), chosen so that the largest value is 127."""
    largest = np.abs(values).max(axis=axis, keepdims=True)
    scale = np.where(largest == 0, np.float32(1), largest / np.float32(127)).astype(np.float32)
    return np.clip(np.rint(values / scale), -127, 127).astype(np.int8), scale
