"""Networks: how wide each stage is, how they are built, how they take their shape from weights."""
