package main

import (
	"errors"
	"flag"
	"fmt"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// options are the flags of a subcommand; each has those that say which objects of which cluster.
type options struct {
	*flag.FlagSet
	kubeconfig string
	namespace  string
}

func newOptions(subcommand string) *options {
	o := &options{FlagSet: flag.NewFlagSet(subcommand, flag.ContinueOnError)}
	o.StringVar(&o.kubeconfig, "kubeconfig", "", "`file` with the address of the cluster and the user's credentials")
	o.StringVar(&o.namespace, "namespace", "", "only objects of this namespace; all by default")
	return o
}

// parse refuses what is left over, which a forgotten dash would make a silent default.
func (o *options) parse(arguments []string) error {
	if err := o.FlagSet.Parse(arguments); err != nil {
		return err
	}
	if o.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", o.Arg(0))
	}
	return nil
}

// restConfig returns how to reach the cluster, without limits on the client's side.
func (o *options) restConfig() (*rest.Config, error) {
	if o.kubeconfig == "" {
		return nil, errors.New("--kubeconfig is missing")
	}
	config, err := clientcmd.BuildConfigFromFlags("", o.kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("kubeconfig %s: %w", o.kubeconfig, err)
	}
	config.QPS = -1
	return config, nil
}
