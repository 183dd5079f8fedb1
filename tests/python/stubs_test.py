"""The type stubs name what the module has."""

import ast
import os

from bondsim import _core


def test_the_stub_of_the_module_has_its_names_and_arguments():
    path = os.path.join(os.path.dirname(_core.__file__), "_core.pyi")
    with open(path, encoding="utf-8") as file:
        body = ast.parse(file.read()).body
    stubs = {node.name: node for node in body if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
    real = {name for name in dir(_core) if not name.startswith("_")}
    assert set(stubs) == real
    for name, node in stubs.items():
        if isinstance(node, ast.ClassDef):
            members = {m.name if isinstance(m, ast.FunctionDef) else m.target.id for m in node.body
                       if isinstance(m, (ast.FunctionDef, ast.AnnAssign))}
            own = {m for m in vars(getattr(_core, name)) if not m.startswith("_")}
            assert own == {m for m in members if not m.startswith("_")}, name
        else:
            arguments = [a.arg for a in node.args.args]
            signature = getattr(_core, name).__doc__.splitlines()[0]
            assert all(f"{a}: " in signature for a in arguments), signature
            assert signature.count(": ") == len(arguments), signature
