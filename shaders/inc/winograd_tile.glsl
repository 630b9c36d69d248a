// Which tile and which vec4 of channels a lane of Winograd's transforms has, and where: one lane for each, channels first.
#include "flat.glsl"
#include "winograd.glsl"

layout(push_constant) uniform Push {
    int images, height, width; // of the pixels
    int rows, columns;         // of tiles
    int channels;              // in vec4
    int reflect;               // else zeros
    int hasBias;
};

int tiles() { return images * rows * columns; }

// Tile is a lane's: its place among the tiles of its image, its first pixel, its channels, and its number in a plane of points.
struct Tile { int image, row, column, y, x, channel, index; };

int origin(int n) { return n % TILE == 1 ? 1 : 0; }

Tile tile() {
    Tile t;
    t.index = int(flatIndex());
    t.channel = t.index % channels;
    const int number = t.index / channels, line = number / columns;
    t.image = line / rows;
    t.row = line - t.image * rows;
    t.column = number - line * columns;
    t.y = TILE * t.row - origin(height);
    t.x = TILE * t.column - origin(width);
    return t;
}

// plane is the number of vec4 from a point of the tiles to the next.
int plane() { return tiles() * channels; }

// pixel is where a pixel of the image lies that inside(y, x) is true for.
int pixel(Tile t, int y, int x) { return ((t.image * height + y) * width + x) * channels + t.channel; }
bool inside(int y, int x) { return uint(y) < uint(height) && uint(x) < uint(width); }
