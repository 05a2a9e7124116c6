"""Files of texts -> shards of matrices, in one process or on the workers of a cluster."""

from textrep.sparse.sharded.files import fit_files, transform_files
from textrep.sparse.sharded.manifest import ShardError, read_manifest
from textrep.sparse.sharded.shards import FORMS, read_shard

__all__ = [
    "FORMS",
    "ShardError",
    "fit_files",
    "read_manifest",
    "read_shard",
    "transform_files",
]
