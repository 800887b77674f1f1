"""kecam's source files, executed for us alone.

Import statements in them reach `Sources` through a `__import__` of their own:
neither `sys.modules` nor `sys.meta_path` learn of it, so that the user's own
`import keras_cv_attention_models` works as ever, before or after.
"""

import ast
import builtins
import pathlib
import types

PACKAGE = "keras_cv_attention_models"


class Sources:
    """Imports modules of one package into a private table.

    Args:
        root: Folder of the package.
        served: Modules to serve instead of files, by their name below the
            package; `""` is the package itself.
    """

    def __init__(self, root: pathlib.Path, served: dict[str, types.ModuleType]):
        self._root = root
        self._modules = dict(served)
        self._builtins = {
            **vars(builtins),
            "__import__": self._import,
            # kecam tells the story of every model that it builds.
            "print": lambda *values, **options: None,
        }
        for name in served:
            self._attach(name)

    def module(self, name: str) -> types.ModuleType:
        """Returns a module by its name below the package, executed once.

        Raises:
            ImportError: If there is no such file.
        """
        if name in self._modules:
            return self._modules[name]
        parent = name.rpartition(".")[0]
        self.module(parent)
        if name in self._modules:  # Its parent needed it.
            return self._modules[name]
        base = self._root.joinpath(*name.split("."))
        path = (
            base / "__init__.py" if base.is_dir() else base.with_suffix(".py")
        )
        if not path.is_file():
            raise ImportError(f"{PACKAGE} has no module {name!r}.")
        module = types.ModuleType(f"{PACKAGE}.{name}")
        module.__file__ = str(path)
        vars(module).update(__builtins__=self._builtins, _layer_name=layer_name)
        # Modules import each other in circles: known before it is executed.
        self._modules[name] = module
        self._attach(name)
        try:
            exec(_compile(path), vars(module))
        except BaseException:
            del self._modules[name]
            raise
        return module

    def _attach(self, name):
        if name:
            parent, _, last = name.rpartition(".")
            setattr(self._modules[parent], last, self._modules[name])

    def _import(self, name, globals=None, locals=None, fromlist=(), level=0):
        if name.partition(".")[0] != PACKAGE:
            return builtins.__import__(name, globals, locals, fromlist, level)
        path = name[len(PACKAGE) + 1 :]
        module = self.module(path)
        if not fromlist:
            return self._modules[""]
        for item in fromlist:
            if not hasattr(module, item):
                self.module(f"{path}.{item}" if path else item)
        return module


def layer_name(name):
    """Returns a name without the slash, which Keras 3 keeps for paths."""
    return name.replace("/", "_") if isinstance(name, str) else name


def _compile(path):
    tree = _Names().visit(ast.parse(path.read_text("utf-8"), str(path)))
    return compile(ast.fix_missing_locations(tree), str(path), "exec")


class _Names(ast.NodeTransformer):
    """Passes what is handed on as `name=` through `layer_name`."""

    def visit_Call(self, node):
        self.generic_visit(node)
        for keyword in node.keywords:
            is_name = keyword.arg == "name"
            if is_name and not isinstance(keyword.value, ast.Constant):
                function = ast.Name("_layer_name", ast.Load())
                keyword.value = ast.Call(function, [keyword.value], [])
        return node
