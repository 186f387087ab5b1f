"""The stages of a search, each in a file of its own; `search` puts them in order.

Where you are: in knowledge/, between a question and the passages it finds.

Read in this order:
    running   how a stage is run: its time, its report, and what happens when it fails
    question  what was asked, made ready; what cannot be searched is refused
    first     embed, dense and BM25: the lists that all that follows is made of
    rerank    the best of both looked at again, by a model
    choose    the best that say something new, and no more of a document than is wanted
    words     which words of the question nobody wrote; asked, vocabulary and terms are its parts

What decides between them is pure, and in ranking/.

Promises:
    - the scope is a condition of both first stages, before anything is scored; what follows reads their hits;
    - a stage that fails or is late is skipped, and its report says why; only when neither first stage
      answers is there an error.
"""
