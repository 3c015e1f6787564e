"""Cross-entropy of probabilities without Keras' limit.

Keras clips probabilities at 1e-7, below which a loss has no gradient: the model would learn nothing from its
worst mistakes. Keras uses the logits instead if a softmax gave the probabilities, but after any other
operation it cannot.
"""

from keras import ops

# The least probability that has a logarithm: float32 has few smaller numbers.
_TINY = 1e-30


def logits_of(probabilities):
    """Logits, of the same shape and dtype, whose softmax are these probabilities."""
    return ops.log(ops.maximum(probabilities, _TINY))


def takes_logits(loss):
    """Whether the loss has `from_logits`."""
    return "from_logits" in loss.get_config()


def with_from_logits(loss, *, from_logits):
    """A new loss with the same settings except `from_logits`."""
    return type(loss).from_config({**loss.get_config(), "from_logits": from_logits})
