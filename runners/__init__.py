"""From encoded pictures to faces: the only importer of the imaging and inference libraries."""
