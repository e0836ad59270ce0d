"""Every parser of bytes that come from elsewhere: valid files, and the errors that a damaged one may raise.

The suite (core/inputs/test_hostile_inputs.py) tries some damaged files of each; `make fuzz` goes on for minutes.
"""

import bz2
import contextlib
import gzip
import io
import json
import lzma
import struct
import tempfile
import warnings
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from damage import WORDS, edited, edits, headers_damaged, json_damaged, parts_damaged
from event_scripts import SCRIPTS
from event_scripts import events as script_events
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from samples import DATA, PROTEINS
from vp_tui.core.config import PrecisionPlan, PredictionColumns
from vp_tui.core.errors import VpTuiError
from vp_tui.core.files import DAMAGED
from vp_tui.core.inputs import fair_esm, hf_config, predictions, sequences, tokenizing
from vp_tui.core.inputs.dna_tokens import SPECIAL_TOKENS, BpeTokenizer
from vp_tui.core.inputs.embeddings.folder import open_table
from vp_tui.core.inputs.spec import read_spec
from vp_tui.core.runs.search import records
from vp_tui.core.store import kept_blocks, kept_events, plans, references
from vp_tui.core.store.query.parser import parse, parse_order
from vp_tui.core.store.rows import mapping
from vp_tui.core.thresholds import LIMITS, read_thresholds
from vp_tui.tui.keyfile import read_keys
from vp_tui.tui.keymap import KEYS

CONFIG = {
    "model_type": "esm", "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64,
    "vocab_size": 33, "position_embedding_type": "rotary", "layer_norm_eps": 1e-5, "emb_layer_norm_before": False,
    "token_dropout": True, "pad_token_id": 1, "mask_token_id": 32, "max_position_embeddings": 1026,
    "architectures": ["EsmModel"], "auto_map": {"AutoModel": "a.B"}, "torch_dtype": "float32",
}  # fmt: skip
BERT = {
    "model_type": "bert", "hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 48,
    "vocab_size": 300, "alibi_starting_size": 512, "layer_norm_eps": 1e-12, "architectures": ["BertForMaskedLM"],
    "quantization_config": None, "max_position_embeddings": 512, "hidden_act": "gelu",
}  # fmt: skip
VALUES_SD = np.random.default_rng(5).normal(size=(3, 4)).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Parser:
    name: str
    read: Callable[[Path], object]
    """Reads the file `file` as the product does, to its end."""
    seeds: Callable[[], Sequence[bytes]]
    """Valid files."""
    file: str
    words: tuple[bytes, ...] = ()
    """What has a meaning in such a file."""
    deeper: Callable[[Sequence[bytes]], st.SearchStrategy[bytes]] | None = None
    """Damage that an outer checksum or length would hide."""
    allowed: tuple[type[Exception], ...] = (VpTuiError,)
    found: tuple[bytes, ...] = field(default=(), repr=False)
    """Files that once ended in another error, took all memory or did not end; longer ones are in tests/data/found."""

    def all_found(self) -> list[bytes]:
        files = sorted((DATA / "found").glob(f"{self.name.replace(' ', '-')}-*.bin"))
        return [*self.found, *(path.read_bytes() for path in files)]

    def strategy(self) -> st.SearchStrategy[bytes]:
        seeds = list(self.seeds())
        plain = st.builds(edited, st.sampled_from(seeds), edits(self.words))
        words = st.lists(st.sampled_from(self.words or WORDS), max_size=20).map(b"".join)
        strategies = [plain, words, st.binary(max_size=200)]
        return st.one_of(*([self.deeper(seeds)] if self.deeper else []), *strategies)

    def refuses_or_reads(self, folder: Path, content: bytes) -> bool:
        """Return whether `content` is read; any error that is not allowed comes through."""
        path = folder / self.file
        path.write_bytes(content)
        with contextlib.suppress(*self.allowed):
            self.read(path)
            return True
        return False


def try_damaged(parser: Parser, folder: Path, examples: int = 40) -> None:
    """Let Hypothesis look for a file that the parser neither reads nor refuses."""

    # the same files in every run of the suite: new ones are what `make fuzz` is for
    @settings(suppress_health_check=list(HealthCheck), deadline=None, max_examples=examples, derandomize=True)
    @given(parser.strategy())
    def one(content: bytes) -> None:
        parser.refuses_or_reads(folder, content)

    one()


def documents(*made: Any) -> tuple[bytes, ...]:
    return tuple(json.dumps(one).encode() for one in made)


def config_files() -> Sequence[bytes]:
    return documents(CONFIG, BERT)


def row_files() -> Sequence[bytes]:
    return documents(CONFIG, {"a": [1, {"b": None}]})


def prediction_files() -> list[bytes]:
    return [
        b"Sequence_ID\tPrediction\tscore1\tscore2\nc_chunk_1F1\tvirus\t0.1\t0.9\n",
        b"Modified_ID,Is_Virus,max_score_0,max_score_1\nc_chunk_1,True,0.7,0.9\n",
    ]


def opened_tokenizer(path: Path) -> None:
    BpeTokenizer(path.parent, 40).encode([b"ACGTNU", b"A"])


def text_of(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "surrogateescape")


def searched(path: Path) -> None:
    for step in (parse, parse_order):
        with contextlib.suppress(VpTuiError):
            step(text_of(path))


def whole_table(path: Path) -> None:
    for piece in open_table(path).pieces():
        piece.sum()


def predicted(path: Path) -> None:
    for step in (lambda: predictions.read_predictions(path, PredictionColumns()), lambda: predictions.read_truth(path)):
        with contextlib.suppress(VpTuiError):
            step()


def header(path: Path) -> None:
    assert isinstance(hf_config.safetensors_header(path), dict)
    hf_config.num_parameters({"dtype": "float32"}, path.parent)  # type: ignore[arg-type]  # only asked for a value


def trials(path: Path) -> None:
    (path.parent / records.RESULT).write_bytes(path.read_bytes())
    for step in (records.read_trials, records.read_result):
        with contextlib.suppress(VpTuiError):
            step(path.parent)


def every_event(path: Path) -> None:
    content = path.read_bytes()
    for line in content.split(b"\n"):
        with contextlib.suppress(ValueError):
            kept_events.decoded(line)
    kept_events.read(path)


def blocks(path: Path) -> None:
    kept_blocks.facts_of(path)
    kept_blocks.read(path)


@cache
def fasta_files() -> list[bytes]:
    fasta = b">" + b">".join(PROTEINS.read_bytes().split(b">")[1:4])
    fastq = b"@a 1\nACGT\n+\nIIII\n@b\nNN\n+b\nII\n"
    mixed = b";old\n>a \xc3\xab|x\r\nMK TA*\r\n\r\n>a\r\n>b\nacgu-x\n"
    packed = [pack(fastq) for pack in (gzip.compress, bz2.compress, lzma.compress)]
    return [fasta, fastq, mixed, b"\xef\xbb\xbf" + fasta, *packed]


def queries() -> list[bytes]:
    return [
        b"model:esm2 status:failed precision:fp16 speedup<1.8 tag.gpu:h200 cosine_min<0.995 since:7d",
        b'(a OR b) NOT name:"my \\" run" metric.M2.min@long>=-1e-3 OR "AND"', b"-cosine_min", b"metric.M1.min@all",
    ]  # fmt: skip


def plan_files() -> list[bytes]:
    plan = PrecisionPlan(name="p", precision="fp16", kept={"layers.0.fc1": "fp32", "layers.1.fc2": "bf16"})
    origin = plans.Origin(run_uuid="0" * 32, is_confirmed=True)
    return [json.dumps(plans.document(plans.StoredPlan(plan, one))).encode() for one in (origin, None)]


def threshold_files() -> list[bytes]:
    every = "".join(f"{name} = {limit.value!r}\n" for name, limit in LIMITS.items())
    return [every.encode(), b"[thresholds]\nM1.fail = 0.995\n[thresholds.V3]\nwarn = 2", b"M1 = {fail = 0.9}\n"]


def key_files() -> list[bytes]:
    return [b'[live]\nview = "V"\n', b'"live.view" = "f5"\n', b'"live.view" = "ctrl+o"\n# mine\n']


@cache
def event_lines() -> list[bytes]:
    found: dict[str, bytes] = {}
    for _, event in script_events(SCRIPTS["good"]):
        found.setdefault(type(event).__name__, kept_events.encoded(event).encode())
    return list(found.values())


@cache
def event_files() -> list[bytes]:
    events = [kept_events.decoded(line) for line in event_lines()]
    with tempfile.TemporaryDirectory() as folder:
        return [*event_lines(), kept_events.keep(Path(folder), events[:3]).read_bytes()]


def documents_of(files: Sequence[bytes]) -> list[Any]:
    found = []
    for file in files:
        with contextlib.suppress(ValueError):
            found.append(json.loads(file))
    return found


def json_deeper(files: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    return json_damaged(documents_of(files))


def written(write: Callable[[Path], object], name: str = "file") -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder) / name)
        return (Path(folder) / name).read_bytes()


def safetensors_files() -> list[bytes]:
    from safetensors.numpy import save

    ids = {"ids": "a\nb\nc"}
    return [
        save({"embeddings": VALUES_SD}, ids),
        save({"embeddings": VALUES_SD.astype(np.float16), "lengths": np.ones(3, np.int64)}, ids),
    ]


def npz_files() -> list[bytes]:
    arrays = {"ids": np.array(["a", "b", "c"]), "embeddings": VALUES_SD, "lengths": np.array([1, 2, 3])}
    return [written(lambda path, save=save: save(path, **arrays), "x.npz") for save in (np.savez, np.savez_compressed)]


def npy_files() -> list[bytes]:
    return [
        written(lambda path, one=one: np.save(path, one), "x.npy") for one in (VALUES_SD, VALUES_SD.astype(np.float16))
    ]


def hdf5_files() -> list[bytes]:
    import h5py

    def write(path: Path) -> None:
        with h5py.File(path, "w") as file:
            file["embeddings"] = VALUES_SD
            # of fixed length: HDF5 itself never returns from a damaged heap of long ones
            file["sequence_ids"] = np.array([b"a", b"b", b"c"])

    return [written(write)]


def parquet_files() -> list[bytes]:
    import pyarrow
    from pyarrow import parquet

    table = pyarrow.table({"id": ["a", "b", "c"], "vector": [row.tolist() for row in VALUES_SD]})
    return [written(lambda path: parquet.write_table(table, path))]


def block_files() -> list[bytes]:
    zeros_S = np.zeros(3, np.int64)
    block = kept_blocks.KeptBlock(
        index=3, rows_S=np.arange(3), pack_of_S=zeros_S, embeddings_SD=VALUES_SD, nan_S=zeros_S, inf_S=zeros_S,
        encode_s=0.1, wall_s=0.2,
    )  # fmt: skip
    stretch = kept_blocks.KeptStretch(arm="candidate", blocks=(block,))
    return [written(lambda path: kept_blocks.write(path.parent, {"key": "a"}, [stretch]), "kept-000000.npz")]


def reference_files() -> list[bytes]:
    def write(path: Path) -> None:
        file = references.EmbeddingsFile(path, *VALUES_SD.shape)
        file.embeddings_SD[:] = VALUES_SD
        file.finish({"summary": {}, "strata": [], "run_uuid": "0" * 32})

    return [written(write)]


def token_files() -> list[bytes]:
    counts = json.dumps(dict.fromkeys(("unknown", "unknown_letters", "lower_case", "rna", "truncated"), 0))
    arrays = {"ids": np.arange(6, dtype=np.int32), "lengths": np.array([1, 2, 3]), "counts": np.array(counts)}
    return [written(lambda path: np.savez(path, **arrays), "x.npz")]


@cache
def tokenizer_files() -> list[bytes]:
    from tokenizers import Tokenizer, models, processors, trainers

    tokenizer = Tokenizer(models.BPE(unk_token=SPECIAL_TOKENS[0]))
    trainer = trainers.BpeTrainer(vocab_size=40, special_tokens=list(SPECIAL_TOKENS), show_progress=False)
    tokenizer.train_from_iterator(["ATGGCTAGCAAAGGAGAAGAACTTTTCACTGGAGTTGTCCCAATTC" * 3] * 5, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
    )
    return [tokenizer.to_str().encode()]


def search_files() -> list[bytes]:
    question = records.Question(run_uuid="0" * 32, base="fp16", keep="fp32", sequences="x")
    trial = records.Trial(
        stage="prefix", kept=("a",), passed=False, nonfinite=1, cosine_min=None, failing="V1", seconds=0.5
    )
    result = records.SearchResult(
        run_id=1, run_uuid="0" * 32, status="none", sentence="x", question=question, trials=1, searched=3, seconds=1.0,
        device="cpu",
    )  # fmt: skip
    lines = f"{question.model_dump_json()}\n{trial.model_dump_json()}\n{trial.model_dump_json()}\n"
    return [lines.encode(), result.model_dump_json().encode()]


@cache
def torch_files() -> list[bytes]:
    """fair-esm's layout in miniature, in both of torch's containers."""
    from argparse import Namespace

    import torch

    layer = "encoder.sentence_encoder.layers.0."
    shapes = {
        "encoder.sentence_encoder.embed_tokens.weight": (33, 8), f"{layer}fc1.weight": (16, 8),
        f"{layer}self_attn.rot_emb.inv_freq": (2,),
    }  # fmt: skip
    tensors = {name: torch.zeros(shape) for name, shape in shapes.items()}
    content = {"args": Namespace(encoder_layers=1, token_dropout=True), "model": tensors}
    return [
        written(lambda path, is_zip=is_zip, one=one: torch.save(one, path, _use_new_zipfile_serialization=is_zip))
        for is_zip in (True, False) for one in (content, tensors)
    ]  # fmt: skip


def torch_deeper(files: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    return parts_damaged([file for file in files if zipfile.is_zipfile(io.BytesIO(file))], PICKLE)


def read_torch(path: Path) -> None:
    from argparse import Namespace

    from vp_tui.core.models import torch_file

    with contextlib.suppress(ValueError), warnings.catch_warnings(action="ignore"):
        torch_file.read(path, allowed=[Namespace])
    with contextlib.suppress(VpTuiError):
        fair_esm.read(path)


def judged_torch(path: Path) -> None:
    from vp_tui.core.workers.judged import torch_tables

    with warnings.catch_warnings(action="ignore"):
        torch_tables.holds_embeddings(path)
        for piece in torch_tables.open_pt(path).pieces():
            piece.sum()


@cache
def torch_tables() -> list[bytes]:
    import torch

    rows = torch.from_numpy(VALUES_SD)
    layouts = ({"proteins": ["a", "b", "c"], "data": list(rows)}, {"ids": ["a", "b", "c"], "embeddings": rows},
               {"label": "a", "mean_representations": {33: rows[0]}})  # fmt: skip
    return [written(lambda path, one=one: torch.save(one, path)) for one in layouts]


PICKLE = (
    b"cos\nsystem\n", b"cargparse\nNamespace\n", b"ctorch._utils\n_rebuild_tensor_v2\n", b"c__builtin__\nbytearray\n",
    b"\x81", b"R", b"b", b"}", b"(", b"t", b".", b"r\xff\xff\xff\x7f", b"\x80\x02", b"\x80\xff", b"Q", b"u", b"s",
    b"K\x00", b"N",
)  # fmt: skip
JSON = (b"{", b"}", b"[", b"]", b",", b":", b"null", b"true", b'""', b"NaN", b"Infinity", b'{"a":' * 500)
TOML = (
    b"[", b"]", b"=", b".", b"{", b"}", b"#", b"'''", b'"""', b"inf", b"1979-05-27T07:32:00Z", b"M1.fail",
    b"thresholds",
)  # fmt: skip
QUERY = (
    b"(", b")", b"NOT ", b"OR ", b"AND ", b'"', b"\\", b":", b"<=", b"tag.", b"metric.", b"@", b"since:", b"speedup>",
    b" ",
)  # fmt: skip
SEQUENCE = (
    b">", b"@", b"+", b"*", b";", b"\n>", b"\n\n", b"\r\n", b"\x1a", b"\x1f\x8b\x08", b"BZh9", b"\xfd7zXZ\0",
    b"\x28\xb5\x2f\xfd",
)  # fmt: skip

KEY_IDS = tuple(key.id_on(screen).encode() for key in KEYS for screen in key.screens)
FOUND_TOML = (
    b"a = " + b"[" * 100_000, b"M1.fail = " + b"1" * 5000, b"a" + b".a" * 30_000 + b" = 1", b"\xff", b"a = {b=" * 9_000,
)  # fmt: skip

PARSERS = (
    Parser(
        "sequences", lambda path: sequences.read(str(path)), fasta_files, "file.fa", SEQUENCE,
        found=(b"@a\n\n+\n\n", b">\n>\n>", b"\x1f\x8b\x08", b"BZh9", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd", b"\xff\xfe>"),
    ),
    Parser(
        "queries", searched, queries, "query", QUERY,
        found=(b"(" * 5000, b"NOT " * 5000, b"speedup>" + b"9" * 5000, b"speedup<", b'metric."a"@<1'),
    ),
    Parser("plans", plans.read, plan_files, "plan.json", JSON, json_deeper),
    Parser("thresholds", read_thresholds, threshold_files, "limits.toml", TOML, found=FOUND_TOML),
    Parser("keys", read_keys, key_files, "keys.toml", (*TOML, *KEY_IDS), found=FOUND_TOML),
    Parser(
        "events", every_event, event_files, "events.jsonl", JSON, json_deeper,
        found=(b"[" * 100_000, b'{"kind": "Event", "event": {}}', b'{"kind": ["x"], "event": {}}', b"1" * 5000),
    ),
    Parser(
        "config.json", lambda path: read_spec(path.parent), config_files, "config.json", JSON, json_deeper,
        found=documents(
            CONFIG | {"model_type": ["esm"], "position_embedding_type": None}, CONFIG | {"num_hidden_layers": 2**31},
            CONFIG | {"hidden_size": 10**9, "num_attention_heads": 1},
        ),
    ),
    Parser(
        "safetensors headers", header, safetensors_files, "model.safetensors", JSON, headers_damaged,
        found=(struct.pack("<Q", 100_000) + b"[" * 100_000, struct.pack("<Q", 2**63)),
    ),
    Parser("embeddings .safetensors", whole_table, safetensors_files, "file.safetensors", JSON, headers_damaged),
    Parser("embeddings .npz", whole_table, npz_files, "file.npz", (), parts_damaged),
    Parser("embeddings .npy", whole_table, npy_files, "file.npy"),
    Parser("embeddings .h5", whole_table, hdf5_files, "file.h5"),
    Parser("embeddings .parquet", whole_table, parquet_files, "file.parquet"),
    Parser("predictions", predicted, prediction_files, "p.csv", (b"\t", b",", b'"', b"nan")),
    Parser("tokenizer.json", opened_tokenizer, tokenizer_files, "tokenizer.json", JSON, json_deeper),
    Parser(
        "cached tokens", lambda path: tokenizing._load(path, "x", 3, 33), token_files, "tokens.npz", JSON,
        parts_damaged, DAMAGED,
    ),
    Parser("kept blocks", blocks, block_files, "kept-000000.npz", JSON, parts_damaged, DAMAGED),
    Parser(
        "stored references", references.load, reference_files, "r.safetensors", JSON, headers_damaged,
        references.UNREADABLE,
    ),
    Parser("searches", trials, search_files, records.TRIALS, JSON, json_deeper),
    Parser("JSON of a row", lambda path: mapping(text_of(path)), row_files, "row", JSON, json_deeper),
)  # fmt: skip
TORCH_PARSERS = (
    Parser("torch.save", read_torch, torch_files, "model.pt", PICKLE, torch_deeper),
    Parser("embeddings .pt", judged_torch, torch_tables, "file.pt", PICKLE, torch_deeper),
)
"""Apart, because their seeds and readers import torch."""
