package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/rand"
)

const objects = 300

// A cluster is a namespace of its own on a real server.
type cluster struct {
	client *plainClient
	flags  []string
	space  string
}

// newCluster skips the test where no server is named.
func newCluster(t *testing.T) *cluster {
	t.Helper()
	kubeconfig := os.Getenv("PEERS_TEST_KUBECONFIG")
	if kubeconfig == "" {
		t.Skip("PEERS_TEST_KUBECONFIG names no server")
	}
	config, err := (&options{kubeconfig: kubeconfig}).restConfig()
	if err != nil {
		t.Fatal(err)
	}
	client, err := newPlainClient(config, 1)
	if err != nil {
		t.Fatal(err)
	}
	space := "peers-" + rand.String(8)
	c := &cluster{client, []string{"--kubeconfig", kubeconfig, "--namespace", space}, space}
	c.send(t, http.MethodPost, "/api/v1/namespaces", "application/json", fmt.Sprintf(`{"metadata":{"name":%q}}`, space))
	return c
}

func (c *cluster) send(t *testing.T, method, path, contentType, body string) {
	t.Helper()
	if err := c.client.exchange(t.Context(), method, path, contentType, []byte(body)); err != nil {
		t.Fatal(err)
	}
}

func (c *cluster) printed(t *testing.T, arguments ...string) map[string]float64 {
	t.Helper()
	return printed(t, append(arguments, c.flags...)...)
}

// annotate sets an annotation of the first object again and again until the context ends.
func (c *cluster) annotate(ctx context.Context, key string) {
	path := deploymentsPath(c.space) + "/web-0"
	for i := 0; ctx.Err() == nil; i++ {
		patch := fmt.Appendf(nil, `{"metadata":{"annotations":{%q:"%d"}}}`, key, i)
		_ = c.client.exchange(ctx, http.MethodPatch, path, "application/merge-patch+json", patch)
		time.Sleep(20 * time.Millisecond)
	}
}

// whileAnnotating runs a subcommand that waits for changes.
func (c *cluster) whileAnnotating(t *testing.T, key string, arguments ...string) map[string]float64 {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	go c.annotate(ctx, key)
	return c.printed(t, arguments...)
}

func TestInformersHoldAllObjects(t *testing.T) {
	c := newCluster(t)
	created := c.printed(t, "converge", "--bodies", lines(t, objects, deployment), "--connections", "4")
	expect(t, "created", created["objects"], objects)
	heap := map[string]float64{}
	for _, mode := range []string{"dynamic", "dynamic-stripped", "typed"} {
		result := c.printed(t, "sync", "--mode", mode)
		expect(t, mode, result["objects"], objects)
		heap[mode] = result["heap_per_object"]
	}
	if heap["dynamic-stripped"] > 0.8*heap["dynamic"] || heap["typed"] > 0.8*heap["dynamic-stripped"] {
		t.Errorf("bytes per object: %v", heap)
	}
}

func TestRawIsAsLongInPagesAsWhole(t *testing.T) {
	c := newCluster(t)
	c.printed(t, "converge", "--bodies", lines(t, objects, deployment))
	whole := c.printed(t, "raw", "--pages", "0")["bytes"]
	pages := c.printed(t, "raw", "--pages", "100")["bytes"]
	if whole < 1000*objects || pages <= whole || pages > whole+2000 {
		t.Errorf("bytes: %v whole, %v in pages", whole, pages)
	}
}

func TestUpdatesAreCountedAndNotWhatWasThere(t *testing.T) {
	c := newCluster(t)
	c.printed(t, "converge", "--bodies", lines(t, 20, deployment))
	for _, mode := range []string{"dynamic", "dynamic-stripped", "typed"} {
		result := c.whileAnnotating(t, "note", "events", "--mode", mode, "--count", "10")
		expect(t, mode, result["events"], 10)
		if result["seconds"] < 0.1 {
			t.Errorf("%s: 10 events 20 ms apart took %v s", mode, result["seconds"])
		}
	}
}

func TestDriftIsRepaired(t *testing.T) {
	c := newCluster(t)
	c.printed(t, "converge", "--bodies", lines(t, 1, deployment))
	expect(t, "repaired", c.whileAnnotating(t, driftAnnotation, "watchpatch", "--count", "5")["repaired"], 5)
}

func TestFluxChangesNothingTheSecondTime(t *testing.T) {
	c := newCluster(t)
	bodies := lines(t, 20, deployment)
	expect(t, "first", c.printed(t, "flux", "--bodies", bodies)["changed"], 20)
	expect(t, "second", c.printed(t, "flux", "--bodies", bodies)["changed"], 0)
}

func TestCreateOrUpdateWritesAnObjectWithoutDefaultsEachTime(t *testing.T) {
	c := newCluster(t)
	bodies := lines(t, 20, deployment)
	expect(t, "first", c.printed(t, "createorupdate", "--bodies", bodies)["changed"], 20)
	expect(t, "second", c.printed(t, "createorupdate", "--bodies", bodies)["changed"], 20)
}

func TestWhatIsThereAlreadyIsNotPosted(t *testing.T) {
	c := newCluster(t)
	bodies := lines(t, 2, deployment)
	c.printed(t, "converge", "--bodies", bodies)
	reason := refused(t, append([]string{"converge", "--bodies", bodies}, c.flags...)...)
	expect(t, "reason", strings.Contains(reason, "409 Conflict"), true)
}
