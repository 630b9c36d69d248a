// The names that a pickle may use, and what each of them stands for. Nothing is looked up or called.

package pth

import (
	"fmt"
	"strings"
)

// name is an allowed name, as a value on the stack.
type name string

const (
	nameOrderedDict = name("collections.OrderedDict")
	nameTensor      = name("torch._utils._rebuild_tensor")
	nameTensor2     = name("torch._utils._rebuild_tensor_v2")
	nameParameter   = name("torch._utils._rebuild_parameter")
	nameSize        = name("torch.Size")
)

// storageTypes are the classes of storages, with the type of their values as safetensors names it.
var storageTypes = map[name]string{
	"torch.FloatStorage": "F32", "torch.HalfStorage": "F16", "torch.BFloat16Storage": "BF16", "torch.DoubleStorage": "F64",
	"torch.LongStorage": "I64", "torch.IntStorage": "I32", "torch.ShortStorage": "I16", "torch.CharStorage": "I8",
	"torch.ByteStorage": "U8", "torch.BoolStorage": "BOOL",
}

var itemSizes = map[string]int{"F32": 4, "F16": 2, "BF16": 2, "F64": 8, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}

// bystanders are names of what stands beside the weights in files of old tutorials: arrays of NumPy, and Variables. What they make is
// passed over unseen.
var bystanders = map[name]bool{
	"torch.autograd.variable.Variable": true, "numpy.core.multiarray._reconstruct": true, "numpy.ndarray": true, "numpy.dtype": true,
	"_codecs.encode": true,
}

// bystander is a value that one of them makes.
type bystander struct{ name name }

// reasons say more about names that are refused and met in honest files.
var reasons = []struct{ begins, is string }{
	{"torch._utils._rebuild_sparse", "a sparse tensor: save it after .to_dense()"},
	{"torch._utils._rebuild_qtensor", "a quantised tensor: save the network before it is quantised"},
	{"torch.Q", "a quantised storage: save the network before it is quantised"},
	{"torch.per_", "a quantised tensor: save the network before it is quantised"},
	{"torch._utils._rebuild_meta", "a meta tensor, which has no values: save the network after its weights are there"},
	{"torch.storage._load_from_bytes", "a tensor that pickle wrote: save it with torch.save"},
	{"torch.Complex", "a complex tensor: no network here has one"},
	{"__torch__", "a TorchScript module: save torch.save(net.state_dict(), …)"},
	{"torch.nn.modules.", "a whole module: save torch.save(net.state_dict(), …)"},
	{"torch.", "which is not read: save torch.save(net.state_dict(), …) with float tensors"},
}

// allow returns a name of the allowlist.
func allow(full string) (name, error) {
	n := name(full)
	switch n {
	case nameOrderedDict, nameTensor, nameTensor2, nameParameter, nameSize:
		return n, nil
	}
	if storageTypes[n] != "" || bystanders[n] {
		return n, nil
	}
	for _, r := range reasons {
		if strings.HasPrefix(full, r.begins) {
			return "", fmt.Errorf("%q: %s", full, r.is)
		}
	}
	return "", fmt.Errorf("%q is not among the names that a state dict needs: nothing was executed; take weights saved with torch.save(net.state_dict(), …)", full)
}

// reduce is what an allowed name makes of arguments.
func reduce(callable, arguments any) (any, error) {
	n, ok := callable.(name)
	args, isTuple := arguments.(tuple)
	if !ok || !isTuple {
		return nil, fmt.Errorf("REDUCE of a %s with a %s", kind(callable), kind(arguments))
	}
	bad := fmt.Errorf("%s with arguments (%s)", n, kinds(args))
	switch n {
	case nameOrderedDict:
		return orderedDict(args)
	case nameSize:
		if len(args) == 1 {
			if size, ok := args[0].(tuple); ok {
				return size, nil
			}
		}
		return nil, bad
	case nameParameter:
		if len(args) == 3 {
			if v, ok := args[0].(*view); ok {
				return v, nil
			}
		}
		return nil, bad
	case nameTensor, nameTensor2:
		// (storage, offset, size, stride), and requires_grad, hooks and metadata, which do not matter.
		if len(args) < 4 || len(args) > 7 || n == nameTensor && len(args) != 4 {
			return nil, bad
		}
		p, isStorage := args[0].(*part)
		offset, isInt := args[1].(int)
		shape, isShape := integers(args[2])
		stride, isStride := integers(args[3])
		if !isStorage || !isInt || !isShape || !isStride {
			return nil, bad
		}
		return newView(p, offset, shape, stride)
	}
	if bystanders[n] {
		return &bystander{n}, nil
	}
	return nil, fmt.Errorf("REDUCE of %s, which makes nothing", n)
}

// orderedDict takes no arguments or, as Python 2 wrote it, a list of pairs.
func orderedDict(args tuple) (any, error) {
	d := &dict{}
	if len(args) == 0 {
		return d, nil
	}
	pairs, ok := args[0].(*list)
	if !ok || len(args) != 1 {
		return nil, fmt.Errorf("an OrderedDict of (%s)", kinds(args))
	}
	for _, item := range pairs.items {
		pair, ok := item.(*list)
		if !ok || len(pair.items) != 2 {
			return nil, fmt.Errorf("an OrderedDict of what are no pairs")
		}
		d.keys, d.values = append(d.keys, pair.items[0]), append(d.values, pair.items[1])
	}
	return d, nil
}

// build sets an object's attributes: a state dict has one, _metadata, with the versions of its modules, which do not matter.
func build(object, state any) error {
	switch object.(type) {
	case *bystander:
		return nil
	case *dict:
		if attributes, ok := state.(*dict); ok {
			for _, k := range attributes.keys {
				if k != "_metadata" {
					return fmt.Errorf("attribute %.80q of a dict: a state dict has only _metadata", keyText(k))
				}
			}
			return nil
		}
	}
	return fmt.Errorf("BUILD of a %s with a %s", kind(object), kind(state))
}

// persistent is the storage that a persistent id names: ("storage", class, key, location, number of values), and in legacy files
// whether it is a part of another storage.
func (u *unpickler) persistent(id any) (*part, error) {
	t, ok := id.(tuple)
	if !ok || len(t) < 5 || len(t) > 6 {
		if ok && len(t) > 0 && t[0] == "module" {
			return nil, fmt.Errorf("a whole module: save torch.save(net.state_dict(), …)")
		}
		return nil, fmt.Errorf("a persistent id that is a %s and names no storage", kind(id))
	}
	class, isName := t[1].(name)
	dtype, isClass := storageTypes[class]
	key, isKey := t[2].(string)
	location, isLocation := t[3].(string)
	size, isSize := t[4].(int)
	if t[0] != "storage" || !isName || !isClass || !isKey || !isLocation || !isSize {
		return nil, fmt.Errorf("a persistent id (%s) that names no storage", kinds(t))
	}
	if location == "meta" {
		return nil, fmt.Errorf("storage %.80q is on the device meta, which has no values: save the network after its weights are there", key)
	}
	if size < 0 || size > maxStorage {
		return nil, fmt.Errorf("storage %.80q of %d values", key, size)
	}
	s, ok := u.storages[key]
	if !ok {
		s = &storage{dtype: dtype, key: key, size: size}
		u.storages[key] = s
	} else if s.dtype != dtype || s.size != size {
		return nil, fmt.Errorf("storage %.80q is named with two types or sizes", key)
	}
	if len(t) < 6 || t[5] == nil {
		return &part{s, 0, size}, nil
	}
	if view, ok := t[5].(tuple); ok && len(view) == 3 { // (its own key, offset, number of values)
		from, isFrom := view[1].(int)
		n, isN := view[2].(int)
		if isFrom && isN && from >= 0 && n >= 0 && from <= size && n <= size-from {
			return &part{s, from, n}, nil
		}
	}
	return nil, fmt.Errorf("storage %.80q: a part that does not lie in its %d values", key, size)
}

func integers(v any) ([]int, bool) {
	var items []any
	switch v := v.(type) {
	case tuple:
		items = v
	case *list:
		items = v.items
	default:
		return nil, false
	}
	out := make([]int, 0, min(len(items), maxDims+1))
	for _, x := range items {
		i, ok := x.(int)
		if !ok || len(out) > maxDims {
			return nil, false
		}
		out = append(out, i)
	}
	return out, true
}

// kind names a value for messages.
func kind(v any) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case tuple:
		return "tuple"
	case *list:
		return "list"
	case *dict:
		return "dict"
	case *view:
		return "tensor"
	case *part:
		return "storage"
	case name:
		return "name " + string(v)
	case *bystander:
		return string(v.name)
	case string:
		return "string"
	}
	return fmt.Sprintf("%T", v)
}

func kinds(args []any) string {
	var out []string
	for _, a := range args[:min(len(args), 8)] {
		out = append(out, kind(a))
	}
	return strings.Join(out, ", ")
}
