"""What only the operator can find wrong with an `EmbeddingService`, each problem with its field and its remedy."""
