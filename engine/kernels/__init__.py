"""Pure numeric functions: no files, no models, no options."""
