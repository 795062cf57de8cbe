"""What the pipeline is measured against: plain Python loops and Beam Python, each as fast as we can make it."""
