using VectorEngine.Loading;

namespace VectorEngine.Tests.Loading;

public sealed class ReadScopeTests
{
    [Fact]
    public void RoundsAreCountedThatSomethingWasReadIn()
    {
        var scope = new ReadScope();
        scope.NextRound();
        Assert.Equal(0, scope.Rounds);
        scope.AddRequest(10);
        scope.AddRequest(5);
        Assert.Equal(1, scope.Rounds);
        scope.NextRound();
        scope.NextRound();
        scope.AddCached(7); // costs no round
        Assert.Equal(1, scope.Rounds);
        scope.AddWait();
        Assert.Equal(2, scope.Rounds);
        scope.NextRound();
        scope.AddRequest(1);
        Assert.Equal((3, 3, 16L, 7L), (scope.Rounds, scope.Requests, scope.Bytes, scope.CachedBytes));
    }
}
