"""Reading Dockerfiles: lines, words, instructions and stages."""
