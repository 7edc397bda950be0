"""From a spec and the GPUPools to the objects of a service: pure, from templates."""
