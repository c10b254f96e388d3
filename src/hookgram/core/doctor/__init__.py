"""What ``hookgram doctor`` finds: facts in, findings out."""
