"""Success by what policies observe, from several runs."""
