"""The payer's tables as people handle them: read from files, told, compared, sent to the topics, read back."""
