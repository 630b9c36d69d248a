// Derivatives of the activations in activation.glsl, which the including shader includes before: the specialisation constant
// ACTIVATION chooses.

// The derivative at an input whose activated value is y. At 0, ReLU's is 0 and LeakyReLU's is its slope below zero, as in PyTorch.
vec4 activationSlope(vec4 y) {
    switch (ACTIVATION) {
    case 1u: return mix(vec4(0.0), vec4(1.0), greaterThan(y, vec4(0.0)));
    case 2u: return mix(vec4(0.2), vec4(1.0), greaterThan(y, vec4(0.0)));
    case 3u: return (1.0 - y) * (1.0 + y);
    }
    return vec4(1.0);
}
