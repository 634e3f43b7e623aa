"""One module a question: options in, one frozen document out, its JSON beside it."""
