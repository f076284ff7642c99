"""The commands of `crible`, a module each: options in, one call into the rooms that do the work, words out."""
