"""What `crible inspect` tells of an entity: plain values first, which `--json` prints, then pages of them."""
