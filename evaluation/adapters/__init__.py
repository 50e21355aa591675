"""The whole engine as other evaluation packages take it: a search model of mteb, a pipeline of vidore-benchmark."""
