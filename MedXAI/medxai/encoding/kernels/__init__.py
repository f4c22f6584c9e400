"""The numerical work of the backends: forward passes of encoders, and the products and attentions that they are made of."""
