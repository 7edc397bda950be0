"""Problems of an `EmbeddingService` that only the operator can detect, each with its field and its fix."""
