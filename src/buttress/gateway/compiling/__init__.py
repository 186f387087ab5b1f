"""Compiling: a folder of files becomes an immutable release, or every mistake in it with file and line.

Where you are: before any call. Reading files is at the edge (`files`, `project`); everything else takes
texts and returns values.

Read in this order:
    feature    one feature: read, check, put together
    declared   what feature.yaml may say
    stages     each stage, and whether it can ever run
    rules, tables, functions   what a rules stage names
    chatting   how chat clients ask it
    prompts    the variables, the passages, the window of a generate stage
    schemas    the input's schema
    files      reading files that must not lead out of their folder
    project    all features of a project, with models.yaml
    errors

Promises:
    - whatever is in the files, the result is a release or a list of mistakes: nothing is raised;
    - all mistakes that can be told apart are told at once;
    - nothing of the feature is run, and nothing outside its folder is read;
    - equal files give an equal release, wherever they are.
"""
