"""The arithmetic beside an expected number in a YAML case, evaluated: what is written is what is checked."""

import ast
import math
import operator
from collections.abc import Callable

BINARY: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
FUNCTIONS: dict[str, Callable[..., float]] = {
    **{name: getattr(math, name) for name in ("ceil", "exp", "floor", "hypot", "log", "sqrt")},
    "max": max,
    "min": min,
}


def arithmetic(text: str) -> float:
    """Return the value of a calculation such as ``(2000*5 + 400*15)/1e6``; names are functions only."""

    def value(node: ast.expr) -> float:
        if isinstance(node, ast.BinOp):
            return BINARY[type(node.op)](value(node.left), value(node.right))
        if isinstance(node, ast.UnaryOp):
            return -value(node.operand)
        if isinstance(node, ast.Call):
            assert isinstance(node.func, ast.Name)
            return FUNCTIONS[node.func.id](*(value(each) for each in node.args))
        assert isinstance(node, ast.Constant)
        return float(str(node.value))

    return value(ast.parse(text, mode="eval").body)
