"""The models this operator knows, what a model needs of a GPU, and the engine's arguments for it."""
