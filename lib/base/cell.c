#include "base/cell.h"

bool cell_is_formula(struct text t)
{
    uint32_t c = 0;
    if (!t.n || !text_decode(t, 0, &c))
        return false;
    switch (c) {
    case '=':
    case '+':
    case '-':
    case '@':
    case '\t':
    case '\r':
    case '\n':
    case 0xFF1D:
    case 0xFF0B:
    case 0xFF0D:
    case 0xFF20: return true;
    default: return false;
    }
}
