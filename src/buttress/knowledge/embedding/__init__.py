"""Embedding: texts into vectors, by a model on this machine.

Where you are: in knowledge/, between chunks or a question and the index.

Read in this order:
    model_files  where a model is: the packaged one, or a folder
    onnx_models  a model and its tokenizer, opened and run
    embedder     texts in, vectors of length 1 out; a question's token vectors out of the same run
    recent_vectors  what was embedded last is not embedded again
    generations  which model a knowledge base is searched with, while another one's index is built

Promises:
    - a model that gives no numbers, or vectors of another length, is an error, and nothing of it is stored;
    - nothing is fetched; what is not there is said with how to get it.
"""
