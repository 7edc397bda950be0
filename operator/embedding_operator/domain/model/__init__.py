"""The models that the operator knows, the GPU memory that a model needs, and the engine's arguments for it."""
