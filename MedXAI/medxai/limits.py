"""The statement that goes with every map, panel, report and saved volume (the paper's section 3.1)."""

LIMITS_STATEMENT = (
    "A saliency map shows what influenced the model, not that the model is right. "
    "It is an aid to inspecting the model's reasoning, not evidence of accuracy and not for diagnosis."
)

LIMITS_SHORT = "Shows what influenced the model, not that the model is right."
