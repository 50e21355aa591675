"""The models that docsearch knows, by name or folder, and how each is opened.

The modules of language models are imported when a name may be one of them: a question to `pixel` needs none.
"""

from __future__ import annotations

from enum import Enum, auto
from pathlib import Path

from ..errors import UsageError
from ..install import needs
from . import asymmetric, extras
from .encoder import Encoder, EncoderSpec, LazyEncoder, PageEncoder, QueryEncoder
from .pixel import spec as pixel_spec

DEFAULT_MODEL = "pixel"


class Family(Enum):
    """The code that opens a model."""

    PIXEL = auto()
    JINA_V4 = auto()
    MULTI_VECTOR = auto()
    ONE_VECTOR = auto()
    REMOTE = auto()


PACKAGES = {
    Family.PIXEL: (),
    Family.JINA_V4: ("accelerate", "huggingface_hub", "peft", "tokenizers", "torch", "transformers"),
    Family.MULTI_VECTOR: ("huggingface_hub", "sentence_transformers", "torch", "transformers"),
    Family.REMOTE: ("urllib3",),
    Family.ONE_VECTOR: ("huggingface_hub", "sentence_transformers", "torch", "transformers"),
}
"""Import names of the optional packages that each family uses."""


def known_models() -> list[EncoderSpec]:
    """Every model that has a name, including those whose weights are not on this machine."""
    from . import multivector
    from .jina_v4 import description as jina_description

    return [pixel_spec.SPEC, jina_description.published_spec(), *multivector.published_specs()]


def family(name: str) -> Family:
    """The family of a model, given by its name or the folder of a checkpoint. Raises UsageError for unknown names."""
    name = asymmetric.split(name)[0]
    if name == pixel_spec.SPEC.name or pixel_spec.is_model_folder(Path(name).expanduser()):
        return Family.PIXEL
    from . import folders, model_names, published, remote_protocols
    from .jina_v4 import spec as jina_spec
    from .layouts import Layout

    if remote_protocols.is_url(name):
        return Family.REMOTE
    if jina_spec.is_published(name):
        return Family.JINA_V4
    base = name.partition(",")[0] if not Path(name).expanduser().is_dir() else name
    asked = model_names.parse(base)
    if not asked.is_hub_id and not jina_spec.matches(base):
        raise UsageError(
            f"model {name!r} is not known; a model is a name that 'docsearch models' lists, an id on the hub "
            "(OWNER/NAME), or the folder of a checkpoint, such as ./my-model"
        )
    if published.named(asked.base) is not None:
        return Family.MULTI_VECTOR
    if asked.is_hub_id and not extras.is_installed("huggingface_hub"):
        missing = f"there is no folder {asked.base}; if it is the id of a model on the hub, huggingface-hub is missing"
        raise UsageError(needs(missing, extras.EXTRA))
    if not asked.is_hub_id and not asked.folder.is_dir():
        return Family.JINA_V4  # which reports the missing folder
    found = folders.layout(asked, download=True)
    others = {Layout.JINA_V4: Family.JINA_V4, Layout.DENSE: Family.ONE_VECTOR}
    return others.get(found, Family.MULTI_VECTOR)


def find_spec(name: str, revision: str = "") -> EncoderSpec:
    """The spec of a model, given by its name or the folder of a checkpoint; a published model is downloaded if need be.

    `revision` is that of the index which is searched: of `pixel`, this version also searches those of `spec.EARLIER`.

    Raises UsageError if the name is not known, the checkpoint cannot be used, or a package that it needs is missing.
    """
    kind = family(name)
    pages, queries = asymmetric.split(name)
    if queries is not None:
        return asymmetric.joint_spec(*(find_spec(_other_than_pixel(each)) for each in (pages, queries)))
    if kind is Family.PIXEL:
        return pixel_spec.find(pixel_folder(name), revision)
    if kind is Family.REMOTE:
        extras.require(PACKAGES[kind], name, extra="remote")
        return _describe(kind, name)
    if is_published(name):
        extras.require(PACKAGES[kind], name)  # before gigabytes are downloaded
    spec = _describe(kind, name)
    extras.require(PACKAGES[kind], name)  # a folder that holds no checkpoint is reported before missing packages
    return spec


def _describe(kind: Family, name: str) -> EncoderSpec:
    """The spec of a model of a family other than `pixel`; it is downloaded if need be."""
    if kind is Family.MULTI_VECTOR:
        from . import multivector

        return multivector.describe(name, download=True)[1]
    if kind is Family.ONE_VECTOR:
        from . import one_vector

        return one_vector.describe(name, download=True)[1]
    if kind is Family.REMOTE:
        from .remote import Remote

        return Remote(name).spec
    from .jina_v4 import description

    return description.describe(name, download=True)[1]


def is_published(name: str) -> bool:
    """Whether a name, with settings or without, is that of a model on the hub rather than a folder."""
    from . import model_names

    return model_names.parse(name.partition(",")[0]).is_hub_id


def load_query_encoder(name: str, revision: str = "") -> QueryEncoder:
    """Open the part of a model that embeds queries; `pixel` loads its page side for the first image among them.

    `revision` is as for `find_spec`.
    """
    if family(name) is not Family.PIXEL:
        return load_encoder(name)
    from .pixel.queries import PixelQueries
    from .pixel.text import PixelText

    folder = pixel_folder(name)
    return PixelQueries(PixelText.load(folder, revision), folder)


def load_page_encoder(name: str, *, device: str = "auto") -> PageEncoder:
    """Open the part of a model that embeds pages, on `device`: "auto", "cpu", "cuda" or "cuda:N".

    "auto" and "cuda" are all GPUs of this machine: with more than one, each has a process with a model of its own.
    """
    kind = family(name)
    if kind is Family.PIXEL:
        from .pixel.pages import PixelPages

        _refuse_gpu(name, device)
        return PixelPages.load(pixel_folder(name))
    if kind is not Family.REMOTE:
        extras.require(PACKAGES[kind], name)
        from . import device as devices

        if len(gpus := devices.every(device)) > 1:
            from .spread import SpreadEncoder

            return SpreadEncoder(name, gpus, load=_load_on)
    return _load_on(name, device)


def _load_on(name: str, device: str) -> PageEncoder:
    """A language model on one device, with its weights."""
    encoder = load_language_model(name, device=device)
    encoder.prepare()  # weights that cannot be loaded end the run, instead of failing every page
    return encoder


def load_encoder(name: str = DEFAULT_MODEL, *, device: str = "auto") -> Encoder:
    """Open a model with all its methods: `encode_pages`, `encode_queries` and `encode_texts`.

    `name` and `device` are as in `index_documents`. Raises UsageError for a model or a device that cannot be used.

    Examples:
        >>> load_encoder().encode_queries(["revenue chart"])[0].tokens
        ('revenue', 'chart')
    """
    if family(name) is Family.PIXEL:
        from .pixel.encoder import Pixel

        _refuse_gpu(name, device)
        return Pixel.load(pixel_folder(name))
    return load_language_model(name, device=device)


def _other_than_pixel(name: str) -> str:
    """A name; UsageError for `pixel`, whose vectors no other model meets."""
    if family(name) is Family.PIXEL:
        raise UsageError(f"{name}: no other model has vectors in the space of pixel; leave {asymmetric.SETTING}= out")
    return name


def _refuse_gpu(name: str, device: str) -> None:
    """Raise UsageError if a GPU is asked for by name for `pixel`, which computes on the CPU."""
    if device.startswith("cuda"):
        raise UsageError(f"--device {device}: the model {name} computes on the CPU; leave --device out")


def load_language_model(name: str, *, device: str) -> LazyEncoder:
    """Open a model other than `pixel`; its weights are loaded when they are first needed, or by `prepare`."""
    pages, queries = asymmetric.split(name)
    if queries is not None:
        names = (_other_than_pixel(each) for each in (pages, queries))
        return asymmetric.Asymmetric(*(load_language_model(each, device=device) for each in names))
    kind = family(name)
    if kind is Family.REMOTE:
        from .remote import Remote

        extras.require(PACKAGES[kind], name, extra="remote")
        return Remote(name)
    find_spec(name)
    if kind is Family.ONE_VECTOR:
        from .one_vector import OneVector

        return OneVector.open(name, device=device)
    if kind is Family.MULTI_VECTOR:
        from .multivector import open_model

        return open_model(name, device=device)
    from .jina_v4.encoder import JinaV4

    return JinaV4.open(name, device=device)


def pixel_folder(name: str) -> Path | None:
    """The folder of a fine-tuned `pixel`; None for the one in the package."""
    return None if name == pixel_spec.SPEC.name else Path(name).expanduser()
