package androidx.lifecycle

interface LifecycleOwner

interface ViewModelStoreOwner

abstract class ViewModel {
    protected open fun onCleared() {}
}

open class AndroidViewModel(private val application: android.app.Application) : ViewModel() {
    open fun <T : android.app.Application> getApplication(): T = throw AssertionError()
}
