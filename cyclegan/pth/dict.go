// From the object that a pickle makes to names and tensors.

package pth

import (
	"fmt"
	"strconv"
)

// wrappers are the keys of an outermost dict under which training scripts put the state dict.
var wrappers = []string{"state_dict", "model_state_dict", "model"}

// contents is a dict with its dicts flattened.
type contents struct {
	tensors []named
	ignored []string
	seen    map[string]bool
	visits  int
}

// flatten lists the tensors of a state dict.
func flatten(v any) (*contents, error) {
	d, ok := v.(*dict)
	if !ok {
		return nil, fmt.Errorf("it holds a %s, not a dict of tensors: save torch.save(net.state_dict(), …)", kind(v))
	}
	c := &contents{seen: map[string]bool{}}
	inner, err := c.unwrap(d)
	if err != nil {
		return nil, err
	}
	if err := c.walk("", inner, 0); err != nil {
		return nil, err
	}
	if len(c.tensors) == 0 {
		return nil, fmt.Errorf("its dict holds no tensors: save torch.save(net.state_dict(), …)")
	}
	return c, nil
}

// unwrap is the state dict in a training script's dict, or the dict itself.
func (c *contents) unwrap(d *dict) (*dict, error) {
	for _, key := range wrappers {
		for i, k := range d.keys {
			inner, ok := d.values[i].(*dict)
			if k != key || !ok {
				continue
			}
			for j, other := range d.keys {
				if j == i {
					continue
				}
				if other == key {
					return nil, fmt.Errorf("key %q is there twice", key)
				}
				if err := c.ignore(keyText(other), d.values[j]); err != nil {
					return nil, err
				}
			}
			return inner, nil
		}
	}
	return d, nil
}

// keyText is a key in words. Tuples within tuples are not written out: a few bytes can stand for billions.
func keyText(k any) string {
	switch k := k.(type) {
	case string:
		return k
	case int:
		return strconv.Itoa(k)
	}
	return kind(k)
}

func (c *contents) ignore(name string, v any) error {
	if len(name) > maxName {
		return fmt.Errorf("a key of %d bytes, at most %d are read", len(name), maxName)
	}
	if len(c.ignored) < 100 { // enough for a message
		c.ignored = append(c.ignored, name+" ("+kind(v)+")")
	}
	return nil
}

func (c *contents) walk(prefix string, d *dict, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("dicts within dicts, deeper than %d", maxDepth)
	}
	for i, k := range d.keys {
		switch k.(type) {
		case string, int: // an optimiser's state has numbers
		default:
			return fmt.Errorf("a %s as a key below %.80q: a state dict has strings", kind(k), prefix)
		}
		full := prefix + keyText(k)
		if len(full) > maxName {
			return fmt.Errorf("a key of %d bytes, at most %d are read", len(full), maxName)
		}
		if c.visits++; c.visits > maxTensors {
			return fmt.Errorf("more than %d entries: no network here has as many", maxTensors)
		}
		switch v := d.values[i].(type) {
		case *view:
			if c.seen[full] {
				return fmt.Errorf("key %q is there twice", full)
			}
			c.seen[full] = true
			c.tensors = append(c.tensors, named{full, v})
		case *dict:
			if err := c.walk(full+".", v, depth+1); err != nil {
				return err
			}
		default:
			if err := c.ignore(full, v); err != nil {
				return err
			}
		}
	}
	return nil
}
