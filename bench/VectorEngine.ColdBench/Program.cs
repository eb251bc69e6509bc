using System.CommandLine;
using VectorEngine.ColdBench;

var command = new RootCommand("Measures indexes whose store is far away.");
command.Add(BuildCommand.Create());
command.Add(DelayProxy.CreateCommand());
return await command.Parse(args).InvokeAsync();
