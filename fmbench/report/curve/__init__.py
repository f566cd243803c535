"""Success over numbers of demonstrations, from several runs."""
