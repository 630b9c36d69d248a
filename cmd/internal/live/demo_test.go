// The demo model that the programs carry is whole.

package live

import "testing"

func TestDemo(t *testing.T) {
	model, err := Demo()
	if err != nil {
		t.Fatal(err)
	}
	for _, net := range []string{"G_A", "G_B"} {
		if len(model.Nets[net].Weights) == 0 {
			t.Errorf("the demo model has no %s", net)
		}
	}
}
